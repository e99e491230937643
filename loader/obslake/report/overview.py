"""The data of the overview: problems, lineages, data sets, loads."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from obslake.errors import ReportError
from obslake.report.built import Built, read_built
from obslake.report.changes import sorted_classes
from obslake.report.pages import to_json
from obslake.report.plots import overview_plots
from obslake.report.problems import Problem

_SQL = Path(__file__).parent / "sql"

# Problems of one overview; the others have pages and are counted.
MOST_PROBLEMS = 10_000
# Loads and runs that are set aside of one overview; the others are counted.
_MOST_LISTED = 500

_PROBLEM_COLUMNS = {
    "data_set": "data_set_id",
    "problem": "problem_id",
    "implementations": "n_implementations",
    "clusters": "n_clusters",
    "largest": "n_largest_cluster",
    "tests": "n_tests",
    "stimuli": "n_stimuli",
    "entropy": "entropy",
    "ties": "n_tied_stimuli",
    "suspects": "n_suspects",
    "flaky": "n_unstable",
    "changed": "n_changed",
    "regressed": "n_regressed",
    "look": "n_to_look_at",
    "pass_specified": "specified_pass_at_k",
    "pass_consensus": "consensus_pass_at_k",
}
_LINEAGE_COLUMNS = {
    "data_set": "data_set_id",
    "lineage": "lineage",
    "environment": "environment_id",
    "revisions": "n_revisions",
    "last": "last_implementation_id",
    "changes": "changes",
    "flaky": "n_unstable",
}


@dataclass(frozen=True)
class Overview:
    """What all pages together are about.

    Attributes:
        built: what the marts were built from.
        run: the run with which lineages end; None: the last one.
        n_later: number of later runs of the revisions with which lineages end, which their changes include.
        problems: columns of the problems, the worst first.
        lineages: one object per lineage and environment, those with most regressions first.
        data_sets: one object per data set.
        set_aside: one object per run in an environment that is set aside, the latest first.
        counts: numbers of problems, implementations, stimuli and actuations.
        cells: number of cells of each problem.
        plots: what each plot shows, and its SVG.
    """

    built: Built
    run: str | None
    n_later: int
    problems: dict[str, list[Any]]
    lineages: list[dict[str, Any]]
    data_sets: list[dict[str, Any]]
    set_aside: list[dict[str, Any]]
    counts: dict[str, int]
    cells: list[int]
    plots: list[dict[str, Any]]

    @property
    def chosen(self) -> list[Problem]:
        """The problems, the worst first."""
        columns = zip(self.problems["data_set"], self.problems["problem"], self.cells, strict=True)
        return [Problem(*each) for each in columns]

    @property
    def footer(self) -> str:
        """What the report was built from, as a text."""
        return f"{self.built.text}{self.ending()}"

    def ending(self, shown: Callable[[str], str] = str) -> str:
        """Return with which run lineages end, as sentences; empty if with the last one."""
        if self.run is None:
            return ""
        later = f"{self.n_later:,} later run" + ("s" if self.n_later > 1 else "")
        note = f" Changes and unstable responses include {later} of the same revisions."
        return f" Lineages end with run {shown(self.run)}.{note if self.n_later else ''}"

    def to_json(self, left_out: str = "") -> bytes:
        """Return the data of the page."""
        data = {
            "built": self.counts,
            "problems": {name: values[:MOST_PROBLEMS] for name, values in self.problems.items()},
            "lineages": self.lineages,
            "changes": sorted_classes(name for each in self.lineages for name in each["changes"]),
            "data_sets": self.data_sets,
            "set_aside": self.set_aside[:_MOST_LISTED],
            "all_set_aside": len(self.set_aside),
            "loads": [asdict(load) for load in self.built.loads[:_MOST_LISTED]],
            "all_loads": len(self.built.loads),
            "plots": self.plots,
            "left_out": left_out,
        }
        return to_json(data)


def read_overview(
    marts: duckdb.DuckDBPyConnection,
    data_sets: Sequence[str],
    problems: Sequence[str],
    run: str | None = None,
    *,
    with_plots: bool = False,
) -> Overview:
    """Ask the marts for the overview of some data sets and problems, of all where none are named.

    With a run, only the problems that it executed are in it, and lineages end with the run.

    Raises:
        ReportError: none of the problems is of what was chosen.
    """
    _choose(marts, data_sets, problems, run)
    marts.execute((_SQL / "overview.sql").read_text(encoding="utf-8"))
    rows = marts.execute(
        f"select {', '.join(_PROBLEM_COLUMNS.values())}, n_stimuli * n_implementations "
        "from report_overview order by n_to_look_at desc, entropy desc nulls last, data_set_id, problem_id"
    ).fetchall()
    if not rows:
        hint = (
            'see those that there are: obslake sql "from problems"'
            if data_sets or problems or run is not None
            else "load observations, and run `obslake build`"
        )
        raise ReportError(f"there is no problem to report on\n  {hint}")
    columns = {name: [row[n] for row in rows] for n, name in enumerate(_PROBLEM_COLUMNS)}
    columns["page"] = [
        page_name("problems", data_set, problem)
        for data_set, problem in zip(columns["data_set"], columns["problem"], strict=True)
    ]
    lineages = _objects(
        marts,
        f"select {', '.join(_LINEAGE_COLUMNS.values())} from report_lineages where has_history "
        "order by n_regressed desc, n_to_look_at desc, data_set_id, lineage, environment_id",
        _LINEAGE_COLUMNS,
    )
    for each in lineages:
        each["page"] = page_name("lineages", each["data_set"], each["lineage"], each["environment"])
    sets = _data_sets(marts)
    counts = {
        name: sum(each[name] for each in sets)
        for name in ("problems", "implementations", "stimuli", "actuations")
    }
    cells = [row[-1] for row in rows]
    plots = overview_plots(marts) if with_plots else []
    set_aside = _objects(
        marts,
        "select data_set_id, environment_id, run_id, observed_at, set_aside_reason "
        "from report_set_aside order by observed_at desc, data_set_id, run_id, environment_id",
        ("data_set", "environment", "run", "at", "reason"),
    )
    ((n_later,),) = marts.execute("from report_later_runs").fetchall()
    return Overview(
        read_built(marts), run, n_later, columns, lineages, sets, set_aside, counts, cells, plots
    )


def _choose(
    marts: duckdb.DuckDBPyConnection,
    data_sets: Sequence[str],
    problems: Sequence[str],
    run: str | None,
) -> None:
    """Create the table ``report_chosen`` of the problems to report on, and set the variable ``run``."""
    marts.execute((_SQL / "assessments.sql").read_text(encoding="utf-8"))
    marts.execute(
        "create or replace temp table report_chosen as "
        "select data_set_id, problem_id from report_assessments "
        "where (len($1::varchar[]) = 0 or list_contains($1::varchar[], data_set_id)) "
        "and (len($2::varchar[]) = 0 or list_contains($2::varchar[], problem_id))",
        [list(data_sets), list(problems)],
    )
    marts.execute("set variable run = ?", [run])
    if run is not None:
        marts.execute(
            "delete from report_chosen where not exists (select 1 from response_signatures as s "
            "where report_chosen.data_set_id = s.data_set_id and report_chosen.problem_id = s.problem_id "
            "and s.run_id = ?)",
            [run],
        )


def _data_sets(marts: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    return _objects(
        marts,
        """
        with executed as (
            select c.data_set_id, count(*) as actuations, count(distinct c.run_id) as runs
            from stimulus_response_cube as c
            inner join report_chosen as p on c.data_set_id = p.data_set_id and c.problem_id = p.problem_id
            group by c.data_set_id
        )
        select
            o.data_set_id, count(*), cast(sum(o.n_implementations) as bigint), cast(sum(o.n_tests) as bigint),
            cast(sum(o.n_stimuli) as bigint), coalesce(any_value(e.runs), 0), coalesce(any_value(e.actuations), 0)
        from report_overview as o
        left join executed as e on o.data_set_id = e.data_set_id
        group by o.data_set_id
        order by o.data_set_id
        """,
        ("data_set", "problems", "implementations", "tests", "stimuli", "runs", "actuations"),
    )


def _objects(
    marts: duckdb.DuckDBPyConnection, query: str, names: Sequence[str] | dict[str, str]
) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in marts.execute(query).fetchall()]


def page_name(folder: str, *parts: str) -> str:
    """Return the path of a page: readable, and different for different parts on any file system."""
    readable = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:60].rstrip("-")
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:10]
    return f"{folder}/{readable}-{digest}.html" if readable else f"{folder}/{digest}.html"

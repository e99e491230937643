"""Plots of the marts, by name."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import duckdb

from obslake.errors import ReportError
from obslake.report import drawing
from obslake.report.changes import look, sorted_classes
from obslake.report.drawing import PALETTE
from obslake.report.trees import Clusters, closest_first, read_clusters

_CONSENSUS = {
    "unanimous": "#2e8b57",
    "majority": "#7cb98f",
    "plurality": "#d9a441",
    "tie": "#7a5cc0",
    "no_votes": "#8b95a3",
}
_DRIFT = """
with

revisions as (
    select v.implementation_id, any_value(v.revision) as revision, max(v.revised_at) as revised_at
    from lineage as v
    inner join report_chosen as p on v.data_set_id = p.data_set_id and v.problem_id = p.problem_id
    where v.data_set_id = $1 and v.lineage = $2 and v.environment_id = $3
    group by v.implementation_id
),

changes as (
    select c.implementation_id, c.change, count(*) as n
    from behavior_changes as c
    inner join report_chosen as p on c.data_set_id = p.data_set_id and c.problem_id = p.problem_id
    where c.data_set_id = $1 and c.lineage = $2 and c.environment_id = $3
    group by c.implementation_id, c.change
)

select r.implementation_id, coalesce(r.revision, r.implementation_id), c.change, coalesce(c.n, 0)
from revisions as r
left join changes as c on r.implementation_id = c.implementation_id
order by r.revised_at, r.implementation_id
"""
_MOST_ROWS = 40
_MOST_SERIES = 8
_MOST_DRAWN = 10


@dataclass(frozen=True)
class Choice:
    """What a plot is about; None: what fits it best."""

    problem: str | None = None
    lineage: str | None = None
    environment: str | None = None


Plot = Callable[[duckdb.DuckDBPyConnection, Choice], str | None]


def entropy(marts: duckdb.DuckDBPyConnection, _choice: Choice) -> str | None:
    """How divided the problems are: the entropy of the sizes of their clusters."""
    rows = marts.execute(
        "select problem_id, entropy from report_overview where entropy is not null "
        "order by entropy desc, data_set_id, problem_id"
    ).fetchall()
    values = [(name, (value,)) for name, value in rows]
    title, classes = "Entropy of the clusters, by problem", {"entropy": PALETTE[0]}
    return drawing.columns(title, values, classes, "bits", has_legend=False)


def votes(marts: duckdb.DuckDBPyConnection, _choice: Choice) -> str | None:
    """How clear the votes are, in the problems with most stimuli without a winner."""
    rows = marts.execute(
        "select o.data_set_id, o.problem_id, o.consensus, count(*) from consensus_oracles as o "
        "inner join report_chosen as p on o.data_set_id = p.data_set_id and o.problem_id = p.problem_id "
        "group by all"
    ).fetchall()
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for data_set, problem, consensus, number in rows:
        counts[data_set, problem][consensus] = number
    worst = sorted(counts, key=lambda key: _decided(counts[key], key))[:_MOST_ROWS]
    is_one = len({data_set for data_set, _ in counts}) == 1
    bars = [
        (key[1] if is_one else " · ".join(key), [counts[key].get(name, 0) for name in _CONSENSUS])
        for key in worst
    ]
    classes = {name.replace("_", " "): colour for name, colour in _CONSENSUS.items()}
    cut = (
        f", in the {len(bars)} least decided of {len(counts):,} problems"
        if len(bars) < len(counts)
        else ""
    )
    return drawing.stacked_bars(f"Votes by stimulus{cut}", bars, classes)


def _decided(counts: Mapping[str, int], name: tuple[str, str]) -> tuple[float, float, str, str]:
    """Return by what problems are sorted: those with most stimuli without a winner come first."""
    undecided = counts.get("tie", 0) + counts.get("no_votes", 0)
    return (-undecided, counts.get("unanimous", 0) / sum(counts.values()), *name)


def pass_at_k(marts: duckdb.DuckDBPyConnection, _choice: Choice) -> str | None:
    """Probability that one of k implementations of an origin passes, by the specified oracle."""
    rows = marts.execute(
        "select d.origin, a.data_set_id, a.problem_id, count(*), count(*) filter (a.passes_specified) "
        "from implementation_assessments as a "
        "inner join report_chosen as p on a.data_set_id = p.data_set_id and a.problem_id = p.problem_id "
        "inner join implementations as d on a.data_set_id = d.data_set_id and a.problem_id = d.problem_id "
        "and a.implementation_id = d.implementation_id "
        "where d.origin is not null and a.passes_specified is not null group by all"
    ).fetchall()
    drawn: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for origin, _, _, number, passing in rows:
        drawn[origin].append((number, passing))
    largest = sorted(drawn, key=lambda name: (-sum(n for n, _ in drawn[name]), name))[:_MOST_SERIES]
    series = {origin: _curve(drawn[origin]) for origin in sorted(largest)}
    if not series:
        return None
    last = max(int(each[-1][0]) for each in series.values())
    cut = f", {len(largest)} of {len(drawn)} origins" if len(largest) < len(drawn) else ""
    return drawing.lines(
        f"pass@k by origin{cut}", series, ("k = 1", f"k = {last}" if last > 1 else ""), "share", 1
    )


def _curve(counts: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    """Return pass@k for each k up to the number of implementations that all problems have."""
    least = min(n for n, _ in counts)
    return [
        (k, sum(1 - comb(n - c, k) / comb(n, k) for n, c in counts) / len(counts))
        for k in range(1, min(least, _MOST_DRAWN) + 1)
    ]


def growth(marts: duckdb.DuckDBPyConnection, _choice: Choice) -> str | None:
    """How many actuations there are, by the time at which they were observed."""
    rows = marts.execute(
        "select epoch(date_trunc('hour', c.observed_at)) as moment, count(*) from stimulus_response_cube as c "
        "inner join report_chosen as p on c.data_set_id = p.data_set_id and c.problem_id = p.problem_id "
        "where c.observed_at is not null group by moment order by moment"
    ).fetchall()
    if not rows:
        return None
    total, points = 0, [(rows[0][0], 0.0)]
    for at, number in rows:
        points.append((at, float(total)))
        total += number
        points.append((at, float(total)))
    ends = marts.execute(
        "select strftime(make_timestamp(cast(? as bigint) * 1000000), '%Y-%m-%d'), "
        "strftime(make_timestamp(cast(? as bigint) * 1000000), '%Y-%m-%d')",
        [rows[0][0], rows[-1][0]],
    ).fetchall()[0]
    return drawing.lines("Actuations observed so far", {"actuations": points}, ends, "actuations")


def drift(marts: duckdb.DuckDBPyConnection, choice: Choice) -> str | None:
    """How many responses each revision of a lineage changed, in one environment."""
    found = marts.execute(
        "select data_set_id, lineage, environment_id from report_lineages "
        "where lineage = coalesce(?, lineage) and environment_id = coalesce(?, environment_id) "
        "order by n_revisions desc, lineage, environment_id limit 1",
        [choice.lineage, choice.environment],
    ).fetchone()
    if found is None:
        return None
    rows = marts.execute(_DRIFT, list(found)).fetchall()
    return draw_drift(f"Changes by revision of {found[1]} in {found[2]}", rows)


def draw_drift(title: str, rows: Iterable[tuple[str, str, str | None, int]]) -> str:
    """Draw changes by revision from rows of revision, its name, class of change and number."""
    names: dict[str, str] = {}
    counts: dict[str, dict[str | None, int]] = defaultdict(dict)
    for revision, name, change, number in rows:
        names[revision] = name
        counts[revision][change] = number
    classes = sorted_classes(c for each in counts.values() for c in each if c is not None)
    bars = [(names[each], [counts[each].get(c, 0) for c in classes]) for each in counts]
    return drawing.columns(title, bars, {c: look(c).colour for c in classes}, "changes")


def agreement(marts: duckdb.DuckDBPyConnection, choice: Choice) -> str | None:
    """How often the clusters of a problem answer alike."""
    problem, cut, clusters = _clusters(marts, choice)
    title = f"Agreement of clusters in {problem}{cut}"
    return drawing.heat_map(title, clusters.names, clusters.shares) if clusters.names else None


def dendrogram(marts: duckdb.DuckDBPyConnection, choice: Choice) -> str | None:
    """Which clusters of a problem are close to each other, by their mean agreement."""
    problem, cut, clusters = _clusters(marts, choice)
    if not clusters.names:
        return None
    tree, _ = closest_first(clusters.shares)
    return drawing.dendrogram(f"Clusters of {problem} by agreement{cut}", tree, clusters.names)


def _clusters(marts: duckdb.DuckDBPyConnection, choice: Choice) -> tuple[str, str, Clusters]:
    """Return a problem, what the plot leaves out of it, and its largest clusters."""
    marts.execute(
        "create or replace temp table report_problems as "
        "select data_set_id, problem_id, n_clusters, 0 as p from report_overview "
        "where problem_id = coalesce(?, problem_id) "
        "order by n_to_look_at desc, entropy desc nulls last, data_set_id, problem_id limit 1",
        [choice.problem],
    )
    found = marts.execute("select problem_id, n_clusters from report_problems").fetchone()
    if found is None:
        raise ReportError(f"there is no problem {choice.problem}")
    clusters = read_clusters(marts).get(0, Clusters([], [], []))
    shown = len(clusters.names)
    cut = f", the {shown} largest of {found[1]:,} clusters" if shown < found[1] else ""
    return found[0], cut, clusters


PLOTS: dict[str, Plot] = {
    "agreement": agreement,
    "dendrogram": dendrogram,
    "drift": drift,
    "entropy": entropy,
    "growth": growth,
    "pass-at-k": pass_at_k,
    "votes": votes,
}

_NEEDED = {
    "drift": "a lineage of that name in that environment",
    "growth": "the times at which actuations were observed",
    "pass-at-k": "implementations whose origin is known, and specified responses",
}

_ON_OVERVIEW = ("entropy", "growth", "pass-at-k", "votes")


def overview_plots(marts: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the plots of the overview: what each shows, and its SVG."""
    drawn = ((name, PLOTS[name](marts, Choice())) for name in _ON_OVERVIEW)
    return [
        {"name": name, "about": (PLOTS[name].__doc__ or "").strip(), "svg": text}
        for name, text in drawn
        if text
    ]


def write_plot(marts: duckdb.DuckDBPyConnection, name: str, choice: Choice) -> str:
    """Return a plot as SVG.

    Raises:
        ReportError: the marts have nothing to plot.
    """
    text = PLOTS[name](marts, choice)
    if text is None:
        needed = _NEEDED.get(name, "responses of implementations")
        raise ReportError(f"there is nothing to plot for {name}: it needs {needed}")
    return text

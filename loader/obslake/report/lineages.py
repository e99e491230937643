"""The data of the pages of lineages: what their revisions changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from obslake.report.changes import CHANGES, UNKNOWN_SEVERITY, look, sorted_classes
from obslake.report.overview import page_name
from obslake.report.plots import draw_drift

_SQL = Path(__file__).parent / "sql"

# Limits of one page. What they cut is stated on the page.
_LIMITS = {"max_slices": 60, "max_tests": 2_000, "max_changes": 2_000}
_ORDER = {"changes": list(CHANGES), "unknown_severity": UNKNOWN_SEVERITY}

# Of two revisions, only one has changed anything.
_FEWEST_DRAWN = 3

PARTS = (
    "lineage",
    "revisions",
    "slices",
    "set_aside",
    "strips",
    "changes",
    "unstable_steps",
    "slower",
    "failures",
)

# Parts whose rows are tests of problems.
_NAMING = ("strips", "changes", "unstable_steps", "slower")


def lineage_data(marts: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    """Yield the data of the page of each lineage and environment, in the order of the overview."""
    for name, value in {**_LIMITS, **_ORDER}.items():
        marts.execute(f"set variable {name} = ?", [value])
    marts.execute((_SQL / "lineages.sql").read_text(encoding="utf-8"))
    parts = {
        part: dict(marts.execute(f"select l, value from report_part_{part}").fetchall())
        for part in PARTS
    }
    for number in sorted(parts["lineage"]):
        found = {
            part: json.loads(values[number]) for part, values in parts.items() if number in values
        }
        classes = sorted_classes(
            name for each in found["revisions"] for name in each["changes"] or ()
        )
        yield {
            **found,
            "classes": [[name, look(name).tone] for name in classes],
            "pages": _pages(found),
            "drift": _drift(found["revisions"]),
        }


def _pages(found: dict[str, Any]) -> dict[str, str]:
    """Return the pages of the problems that a page names."""
    rows = [each for part in _NAMING for each in found.get(part, ())]
    rows += [example for each in found.get("failures", ()) for example in each["examples"]]
    data_set = found["lineage"]["data_set"]
    names = sorted({each["problem"] for each in rows})
    return {name: page_name("problems", data_set, name) for name in names}


def _drift(revisions: list[dict[str, Any]]) -> str | None:
    """Return the plot of what each revision changed; None: there are too few of them."""
    if len(revisions) < _FEWEST_DRAWN:
        return None
    rows = (
        (each["implementation"], each["revision"] or each["implementation"], change, number)
        for each in revisions
        for change, number in (each["changes"] or {None: 0}).items()
    )
    return draw_drift("Changes by revision", rows)

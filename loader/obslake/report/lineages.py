"""The data of the pages of lineages: what their revisions changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from obslake.report.plots import draw_drift

_SQL = Path(__file__).parent / "sql"

# Limits of one page. What they cut is stated on the page.
_LIMITS = {"max_slices": 60, "max_tests": 2_000, "max_changes": 2_000}

# Of two revisions, only one has changed anything.
_FEWEST_DRAWN = 3

PARTS = (
    "lineage",
    "revisions",
    "slices",
    "strips",
    "changes",
    "unstable_steps",
    "slower",
    "failures",
)


def lineage_data(marts: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    """Yield the data of the page of each lineage and environment, in the order of the overview."""
    for name, value in _LIMITS.items():
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
        yield {**found, "drift": _drift(found["revisions"])}


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

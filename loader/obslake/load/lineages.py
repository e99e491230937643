"""Finds implementations that a load takes out of a lineage: each is in the lineage of its latest load only."""

from collections.abc import Mapping

import duckdb
from pyiceberg.expressions import And, BooleanExpression, In, NotNull

from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import IMPLEMENTATIONS
from obslake.load.sources.checks import shorten

# More are not looked up one by one: the whole table is read.
_MOST_NAMES = 200

_KEY = ("data_set_id", "implementation_id")


def taken_out(
    lakehouse: Lakehouse, connection: duckdb.DuckDBPyConnection, views: Mapping[str, str]
) -> list[str]:
    """Return a warning if implementations of a load were in another lineage before.

    Args:
        lakehouse: the lakehouse, without the load.
        connection: has the views.
        views: relations with the rows of the load, by table.
    """
    view = views.get(IMPLEMENTATIONS.name)
    if view is None:
        return []
    given = {
        (data_set, name): lineage
        for data_set, name, lineage in connection.execute(
            f"select distinct {', '.join(_KEY)}, lineage from {view} "
            "where implementation_id is not null and lineage is not null order by all"
        ).fetchall()
    }
    if not given:
        return []
    names = {name for _, name in given}
    wanted: BooleanExpression = NotNull("lineage")  # type: ignore[misc, arg-type]
    if len(names) <= _MOST_NAMES:
        wanted = And(wanted, In("implementation_id", names))  # type: ignore[misc, arg-type, call-arg]
    rows = (
        lakehouse.table(IMPLEMENTATIONS)
        .scan(row_filter=wanted, selected_fields=(*_KEY, "lineage", "load_id"))
        .to_arrow()
        .sort_by("load_id")
        .select([*_KEY, "lineage"])
    )
    before = {(row[_KEY[0]], row[_KEY[1]]): row["lineage"] for row in rows.to_pylist()}
    moved = [key for key in given if before.get(key, given[key]) != given[key]]
    if not moved:
        return []
    data_set, name = key = moved[0]
    advice = f"--implementation {shorten(given[key])}@{shorten(name)}"
    return [
        f"implementations that leave their lineage, because each is in that of its latest load: {len(moved):,}; "
        f"the first is {shorten(name)} of data set {shorten(data_set)}, {shorten(before[key])} until now "
        f"(to have a commit in several lineages, name it in each: {advice})"
    ]

"""Checks names against the marts, so that a misspelt one is an error instead of an empty answer."""

from collections.abc import Sequence

import duckdb

from obslake.engine import quote_identifier
from obslake.errors import UnknownNameError

# The marts with all names of a kind, and the columns that they are in.
_MARTS = {
    "data set": ("problems", "data_set_id"),
    "problem": ("problems", "problem_id"),
    "run": ("runs", "run_id"),
    "environment": ("runs", "environment_id"),
    "lineage": ("implementations", "lineage"),
    "revision": ("lineage_revisions", "revision"),
}


def check_names(
    marts: duckdb.DuckDBPyConnection,
    kind: str,
    names: Sequence[str],
    data_sets: Sequence[str] = (),
) -> None:
    """Check that the marts have some names.

    Args:
        marts: connection that finds the marts by name.
        kind: what the names are of, one of ``data set``, ``problem``, ``run``, ``environment``, ``lineage``,
            ``revision``.
        names: the names.
        data_sets: data sets, any of which must have the name; empty: all.

    Raises:
        UnknownNameError: the marts do not have a name; the message says the nearest one.
        duckdb.CatalogException: the marts are those of a version without the needed one.
    """
    mart, column = _MARTS[kind]
    for name in names:
        if not has_name(marts, mart, column, name, data_sets):
            nearest = _nearest(marts, kind, name, data_sets)
            hint = (
                f"did you mean {nearest!r}? The mart {mart} has all"
                if nearest
                else "there are none"
            )
            raise UnknownNameError(f"no {kind} {name!r}{_place(data_sets)}; {hint}")


def has_name(
    marts: duckdb.DuckDBPyConnection,
    relation: str,
    column: str,
    name: str,
    data_sets: Sequence[str] = (),
) -> bool:
    """Return whether a relation has a name in a column, in any of some data sets."""
    condition = "and list_contains(?::varchar[], data_set_id)" if data_sets else ""
    found = marts.execute(
        f"select 1 from {quote_identifier(relation)} where {quote_identifier(column)} = ? {condition} limit 1",
        [name, *([list(data_sets)] if data_sets else [])],
    ).fetchone()
    return found is not None


def _nearest(
    marts: duckdb.DuckDBPyConnection, kind: str, name: str, data_sets: Sequence[str]
) -> str | None:
    """Return the nearest known name, by the distance of the macro ``name_distance``; None: there is none."""
    mart, column = _MARTS[kind]
    found = marts.execute(
        f"select {column} as known from {mart} "
        "where known is not null and (len($2::varchar[]) = 0 or list_contains($2::varchar[], data_set_id)) "
        "order by levenshtein(known, $1) - 0.9 * length(known), known limit 1",
        [name, list(data_sets)],
    ).fetchone()
    return None if found is None else str(found[0])


def _place(data_sets: Sequence[str]) -> str:
    return f" in data set {' or '.join(map(repr, data_sets))}" if data_sets else ""

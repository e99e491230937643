"""Connections for notebooks and programs."""

import os

import duckdb

from obslake import engine
from obslake.engine import quote_identifier, quote_literal
from obslake.errors import QueryError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.views import create_source_views
from obslake.query.ask import attach_marts, check_marts, locked


def connect(home: str | os.PathLike[str] | None) -> duckdb.DuckDBPyConnection:
    """Open a lakehouse for queries; ``obslake.connect`` documents it."""
    lakehouse = Lakehouse.open(None if home is None else os.fspath(home))
    check_marts(lakehouse.marts_path)
    connection = engine.connect()
    try:
        create_source_views(lakehouse, connection)
        attach_marts(connection, lakehouse.marts_path)
    except duckdb.Error as error:
        connection.close()
        if found := locked(error, lakehouse.marts_path):
            raise found from error
        raise
    return connection


def wide_matrix(
    connection: duckdb.DuckDBPyConnection, data_set: str, problem: str, value: str
) -> duckdb.DuckDBPyRelation:
    """Return the matrix of a problem; ``obslake.wide_matrix`` documents it."""
    # DuckDB looks up the columns of a pivot before it knows parameters.
    matrix = f"srm({quote_literal(data_set)}, {quote_literal(problem)})"
    _check_columns(connection, matrix)
    return connection.sql(
        f"pivot (from {matrix}) on implementation_id "
        f"using first({quote_identifier(value)}) group by test_id, step_id order by test_id, step_id"
    )


def _check_columns(connection: duckdb.DuckDBPyConnection, matrix: str) -> None:
    """Check that implementations can be names of columns, which DuckDB compares without the case of letters."""
    found = connection.execute(
        f"select list(distinct implementation_id order by implementation_id) from {matrix} "
        "group by lower(implementation_id) "
        "having count(distinct implementation_id) > 1 or lower(implementation_id) in ('test_id', 'step_id') "
        "order by 1"
    ).fetchall()
    if found:
        names = "; ".join(", ".join(map(repr, each)) for (each,) in found)
        raise QueryError(
            f"these implementations cannot be columns of one matrix: {names}\n  query the function srm instead"
        )

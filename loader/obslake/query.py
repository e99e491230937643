"""Read-only queries on the marts and on the Iceberg tables."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from obslake import engine
from obslake.engine import quote_literal
from obslake.errors import QueryError
from obslake.lakehouse import Lakehouse

_MARTS = "obslake"

# EXPLAIN ANALYZE executes what it explains, so that has to be a question as well.
_EXPLAIN = re.compile(
    r"\A\s*explain\b\s*(analyze\b|\(\s*(analyze|format)\b[^)]*\))?", re.IGNORECASE
)


@contextmanager
def ask(lakehouse: Lakehouse, query: str) -> Iterator[duckdb.DuckDBPyRelation]:
    """Ask one question, and keep its answer open.

    The marts and the SQL functions are found by their names; the Iceberg tables, as they are now,
    in schema ``lake``.

    Raises:
        QueryError: the query is not exactly one statement that reads, DuckDB refuses it, or the
            marts cannot be opened.
    """
    with engine.connect() as connection:
        try:
            lakehouse.create_source_views(connection)
            if lakehouse.marts_path.exists():
                path = quote_literal(str(lakehouse.marts_path))
                connection.execute(f"attach {path} as {_MARTS} (read_only)")
                # The views of today come before those that dbt left among the marts.
                connection.execute(f"set search_path = 'memory.main,{_MARTS}.main'")
            check_reads(connection, query)
            yield connection.sql(query)
        except duckdb.Error as error:
            hint = ""
            if isinstance(error, duckdb.CatalogException) and not lakehouse.marts_path.exists():
                hint = "\n  the marts are not built yet: run `dbt build`"
            raise QueryError(str(error).rstrip() + hint) from error


def check_reads(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Check that a query is exactly one statement, and one that reads.

    Raises:
        QueryError: it is not.
        duckdb.Error: it is no SQL.
    """
    statements = connection.extract_statements(_EXPLAIN.sub("", query, count=1))
    if not statements:
        raise QueryError("there is no query\n  see `obslake sql --help`")
    *before, last = statements
    # DuckDB itself writes the statements without text: a PIVOT looks up its columns in one of them.
    if any(s.query or s.type != duckdb.StatementType.CREATE for s in before):
        raise QueryError("this is more than one statement: ask one question at a time")
    if last.type != duckdb.StatementType.SELECT:
        raise QueryError(
            f"this is a statement of type {last.type.name}: `obslake sql` only reads\n"
            "  rows are appended with `obslake load`"
        )

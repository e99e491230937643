"""Read-only queries on the marts and on the Iceberg tables."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from obslake import engine
from obslake.engine import lock_holder, quote_literal
from obslake.errors import QueryError
from obslake.lakehouse.home import MARTS_FILE, home_folder

_MARTS = "obslake"

# Queries of the marts alone run several times as fast.
_NAMES_TABLES = re.compile(r"\blake\b", re.IGNORECASE)

# EXPLAIN ANALYZE executes its statement, which therefore must be one that reads.
_EXPLAIN = re.compile(
    r"\A\s*explain\b\s*(analyze\b|\(\s*(analyze|format)\b[^)]*\))?", re.IGNORECASE
)


@contextmanager
def ask(
    home: str | None, query: str, *, external_access: bool = False, marts_in: str | None = None
) -> Iterator[duckdb.DuckDBPyRelation]:
    """Run one query, and keep its result open.

    The query finds the marts and the SQL functions by name, and the current rows of the Iceberg
    tables in schema ``lake``.

    Args:
        home: folder of the lakehouse; None: the default one.
        query: one statement.
        external_access: whether the query may read other files as well.
        marts_in: namespace of the catalog in which another engine keeps the marts; None: the file that
            dbt on DuckDB has built.

    Raises:
        NoLakehouseError: there is no lakehouse at ``home``.
        QueryError: the query is not exactly one statement that reads, DuckDB refuses it, or the
            marts cannot be opened.
    """
    marts = home_folder(home) / MARTS_FILE
    try:
        if marts_in is None:
            connection, answer = _bind(home, marts, query, external_access)
        else:
            connection, answer = _bind_tables(home, marts_in, query, external_access)
        with closing(connection):
            yield answer
    except duckdb.Error as error:
        if found := locked(error, marts):
            raise found from error
        hint = ""
        if isinstance(error, duckdb.CatalogException) and marts_in is None and not marts.exists():
            hint = "\n  the marts are not built yet: run `obslake build`"
        if isinstance(error, duckdb.PermissionException):
            hint = "\n  files outside the lakehouse can be read only with --external-access"
        # The functions raise errors of their own.
        message = str(error).removeprefix("Invalid Input Error: obslake: ")
        raise QueryError(message.expandtabs(4).rstrip() + hint) from error


@contextmanager
def open_marts(
    home: str | None, *, temp_directory: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open only the marts, read-only.

    Args:
        home: folder of the lakehouse; None: the default one.
        temp_directory: folder for results larger than the memory limit.

    Returns:
        A connection that finds the marts by name and can pass texts of any length to Arrow.

    Raises:
        QueryError: the marts are not built yet, cannot be opened, or a query fails.
    """
    marts = home_folder(home) / MARTS_FILE
    check_marts(marts)
    try:
        with closing(
            engine.connect(with_iceberg=False, temp_directory=temp_directory)
        ) as connection:
            connection.execute(f"attach {quote_literal(str(marts))} as {_MARTS} (read_only)")
            connection.execute(f"use {_MARTS}")
            connection.execute("set arrow_large_buffer_size = true")
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            yield connection
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise QueryError(
                f"{str(error).splitlines()[0]}\n  allow more memory: OBSLAKE_MEMORY_LIMIT=8GB"
            ) from error
        raise locked(error, marts) or QueryError(str(error).expandtabs(4).rstrip()) from error


def check_marts(marts: Path) -> None:
    """Check that the marts are built.

    Raises:
        QueryError: they are not.
    """
    if not marts.exists():
        raise QueryError(
            f"there are no marts in {marts}\n  they are not built yet: run `obslake build`"
        )


def locked(error: duckdb.Error, marts: Path) -> QueryError | None:
    """Return the error for locked marts; None if the error has another cause."""
    if holder := lock_holder(error):
        return QueryError(
            f"{holder} has the marts in {marts} open for writing\n"
            "  query again when it has closed them; a program that only reads should open them read-only"
        )
    return None


def _bind(
    home: str | None, marts: Path, query: str, external_access: bool
) -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyRelation]:
    """Bind a query to the marts, and if necessary to the tables, without reading rows."""
    if marts.exists() and not _NAMES_TABLES.search(query):
        connection = engine.connect(with_iceberg=False)
        try:
            return connection, _relation(connection, marts, query, [], external_access)
        except duckdb.CatalogException:
            # A mart is a view on the tables, or the name is wrong.
            connection.close()
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.lakehouse.views import create_source_views

    lakehouse = Lakehouse.open(home)
    connection = engine.connect()
    create_source_views(lakehouse, connection)
    locations = [] if external_access else lakehouse.locations()
    return connection, _relation(connection, marts, query, locations, external_access)


def _bind_tables(
    home: str | None, namespace: str, query: str, external_access: bool
) -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyRelation]:
    """Bind a query to the tables of a namespace, without reading rows."""
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.lakehouse.schemas import NAMESPACE
    from obslake.lakehouse.views import create_mart_views, create_source_views

    if namespace == NAMESPACE:
        # These tables also have rows of incomplete loads.
        raise QueryError(
            f"the tables of {namespace} are not marts\n  query them in schema lake, without --marts"
        )
    lakehouse = Lakehouse.open(home)
    connection = engine.connect()
    locations = create_mart_views(lakehouse, connection, namespace)
    if _NAMES_TABLES.search(query):
        create_source_views(lakehouse, connection)
        locations += lakehouse.locations()
    return connection, _relation(connection, None, query, locations, external_access)


def _relation(
    connection: duckdb.DuckDBPyConnection,
    marts: Path | None,
    query: str,
    locations: Sequence[str],
    external_access: bool,
) -> duckdb.DuckDBPyRelation:
    """Attach the marts, deny access to everything else, and bind the query."""
    if marts and marts.exists():
        attach_marts(connection, marts)
    if not external_access:
        allowed = ", ".join(quote_literal(f"{location}/") for location in locations)
        connection.execute(f"set allowed_directories = [{allowed}]")
        connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    check_reads(connection, query)
    return connection.sql(query)


def attach_marts(connection: duckdb.DuckDBPyConnection, marts: Path) -> None:
    """Attach the marts read-only, and let queries find them and their functions by name."""
    connection.execute(f"attach {quote_literal(str(marts))} as {_MARTS} (read_only)")
    # The current views take precedence over those that dbt left among the marts.
    connection.execute(f"set search_path = 'memory.main,{_MARTS}.main'")


def check_reads(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Check that a query is exactly one statement, and one that reads.

    Raises:
        QueryError: it is not.
        duckdb.Error: it is not valid SQL.
    """
    statements = connection.extract_statements(_EXPLAIN.sub("", query, count=1))
    if not statements:
        raise QueryError("there is no query\n  see `obslake sql --help`")
    *before, last = statements
    # DuckDB itself adds statements without text, in which PIVOT looks up its columns.
    if any(s.query or s.type != duckdb.StatementType.CREATE for s in before):
        raise QueryError("this is more than one statement: run one query at a time")
    if last.type != duckdb.StatementType.SELECT:
        raise QueryError(
            f"this is a statement of type {last.type.name}: `obslake sql` only reads\n"
            "  rows are appended with `obslake load`"
        )

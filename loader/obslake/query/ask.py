"""Read-only queries on the marts and on the Iceberg tables."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

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


def too_slow(seconds: float) -> QueryError:
    """Return the error for a query that was stopped."""
    return QueryError(f"the query takes longer than {seconds:g} s: select fewer rows")


@dataclass(frozen=True)
class Limits:
    """What a query may use.

    Attributes:
        seconds: time until it is interrupted.
        memory: memory, as DuckDB writes it: ``2GB``; no files are written beyond it.
    """

    seconds: float
    memory: str


@contextmanager
def ask(
    home: str | None,
    query: str,
    *,
    external_access: bool = False,
    marts_in: str | None = None,
    limits: Limits | None = None,
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
        limits: time and memory of the query and of all that is done with its result; None: those of the process.

    Raises:
        NoLakehouseError: there is no lakehouse at ``home``.
        QueryError: the query is not exactly one statement that reads, DuckDB refuses it, it exceeds a limit, or
            the marts cannot be opened.
    """
    marts = home_folder(home) / MARTS_FILE
    try:
        with ExitStack() as used:
            bound = _Bound(query, external_access, limits, used)
            if marts_in is None:
                yield _bind(home, marts, bound)
            else:
                yield _bind_tables(home, marts_in, bound)
    except duckdb.InterruptException as error:
        if limits is None:
            raise
        raise too_slow(limits.seconds) from error
    except OverflowError as error:
        raise QueryError(f"a value is too large for Python: {error}\n  cast it to text") from error
    except duckdb.Error as error:
        if found := locked(error, marts):
            raise found from error
        hint = ""
        if isinstance(error, duckdb.CatalogException) and marts_in is None and not marts.exists():
            hint = "\n  the marts are not built yet: run `obslake build`"
        if isinstance(error, duckdb.PermissionException) and limits is None:
            hint = "\n  files outside the lakehouse can be read only with --external-access"
        # The functions raise errors of their own.
        message = str(error).removeprefix("Invalid Input Error: obslake: ")
        raise QueryError(message.expandtabs(4).rstrip() + hint) from error


@contextmanager
def _interrupted_after(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt the connection's query when its time is over."""
    timer = Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def built_snapshot(answer: duckdb.DuckDBPyRelation) -> int | None:
    """Return the snapshot of the observations that the marts of an answer were built from.

    None: there are no marts, or they do not say it, as those that other tools have copied.
    """
    try:
        found = answer.query(
            "answer",
            f"select snapshot_id from {_MARTS}.main_refresh.refresh_models "
            "where model = 'refresh_source_versions'",
        ).fetchone()
    except duckdb.CatalogException:
        return None
    return None if found is None else int(found[0])


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


@dataclass(frozen=True)
class _Bound:
    """A query, what it may use, and what is open until its answer is read."""

    query: str
    external_access: bool
    limits: Limits | None
    opened: ExitStack


def _bind(home: str | None, marts: Path, bound: _Bound) -> duckdb.DuckDBPyRelation:
    """Bind a query to the marts, and if necessary to the tables, without reading rows."""
    if marts.exists() and not _NAMES_TABLES.search(bound.query):
        connection = bound.opened.enter_context(closing(engine.connect(with_iceberg=False)))
        try:
            return _relation(connection, marts, [], bound)
        except duckdb.CatalogException:
            # A mart is a view on the tables, or the name is wrong.
            connection.close()
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.lakehouse.views import create_source_views

    lakehouse = Lakehouse.open(home)
    connection = bound.opened.enter_context(closing(engine.connect()))
    create_source_views(lakehouse, connection)
    locations = [] if bound.external_access else lakehouse.locations()
    return _relation(connection, marts, locations, bound)


def _bind_tables(home: str | None, namespace: str, bound: _Bound) -> duckdb.DuckDBPyRelation:
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
    connection = bound.opened.enter_context(closing(engine.connect()))
    locations = create_mart_views(lakehouse, connection, namespace)
    if _NAMES_TABLES.search(bound.query):
        create_source_views(lakehouse, connection)
        locations += lakehouse.locations()
    return _relation(connection, None, locations, bound)


def _relation(
    connection: duckdb.DuckDBPyConnection,
    marts: Path | None,
    locations: Sequence[str],
    bound: _Bound,
) -> duckdb.DuckDBPyRelation:
    """Attach the marts, deny access to everything else, and bind the query."""
    if marts and marts.exists():
        attach_marts(connection, marts)
    if not bound.external_access:
        allowed = ", ".join(quote_literal(f"{location}/") for location in locations)
        connection.execute(f"set allowed_directories = [{allowed}]")
        connection.execute("set enable_external_access = false")
    if bound.limits:
        connection.execute(f"set memory_limit = {quote_literal(bound.limits.memory)}")
        connection.execute("set max_temp_directory_size = '0 bytes'")
        # PIVOT runs queries when it is bound.
        bound.opened.enter_context(_interrupted_after(connection, bound.limits.seconds))
    connection.execute("set lock_configuration = true")
    check_reads(connection, bound.query)
    return connection.sql(bound.query)


def attach_marts(connection: duckdb.DuckDBPyConnection, marts: Path) -> None:
    """Attach the marts read-only, and let queries find them and their functions by name."""
    connection.execute(f"attach {quote_literal(str(marts))} as {_MARTS} (read_only)")
    # Functions also read tables from which the marts are built, which a partial build may not have.
    schemas = connection.execute(
        "select schema_name from duckdb_schemas() where database_name = ? "
        "and schema_name in ('main', 'main_intermediate', 'main_refresh') order by schema_name",
        [_MARTS],
    ).fetchall()
    # The current views take precedence over those that dbt left among the marts.
    path = ["memory.main", *(f"{_MARTS}.{schema}" for (schema,) in schemas)]
    connection.execute(f"set search_path = '{','.join(path)}'")


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

"""DuckDB views of Iceberg tables: the sources in schema ``lake``, and marts that other engines have built."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.types import NestedField

from obslake.engine import quote_identifier, quote_literal
from obslake.errors import QueryError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import TableDefinition, sql_type
from obslake.lakehouse.snapshots import kept_metadata
from obslake.lakehouse.store import configure_store
from obslake.lakehouse.visible import VisibleTable, visible_at

SOURCE_SCHEMA = "lake"


def create_source_views(
    lakehouse: Lakehouse,
    connection: duckdb.DuckDBPyConnection,
    as_of_snapshot: int | None = None,
    *,
    keep: Path | None = None,
) -> Snapshot | None:
    """Create one view per Iceberg table, all of the same moment.

    Every view is bound to one metadata file, which never changes, so all readers of the view see the same rows,
    whatever is loaded meanwhile.

    Args:
        lakehouse: the lakehouse with the tables.
        connection: where the views are created; it must have the Iceberg extension.
        as_of_snapshot: id of an earlier snapshot of ``observations``.
        keep: folder for copies of the metadata files, if the views are used for long: a table keeps only its
            newest hundred.

    Returns:
        The visible snapshot of ``observations``; None: nothing was loaded yet.

    Raises:
        SnapshotNotFoundError: ``observations`` has no snapshot with that id.
    """
    visible = visible_at(lakehouse, as_of_snapshot)
    connection.execute(f"create schema if not exists {quote_identifier(SOURCE_SCHEMA)}")
    state = visible.state
    # The first view, so that a process that ends here leaves no version that is wrong (`kept_views.note_views`).
    snapshot_id = "null" if visible.snapshot is None else str(visible.snapshot.snapshot_id)
    connection.execute(
        f"create or replace view {quote_identifier(SOURCE_SCHEMA)}.shown as select "
        f"{snapshot_id}::bigint as snapshot_id, {quote_literal(state.digest())} as digest"
    )
    for table in visible.tables:
        _create_table_view(connection, table, keep)
    loads = [(load.load_id, state.revision(load)) for load in state.loads.values()]
    _create_list_view(connection, "loads", ("load_id", "revision"), loads)
    forgotten = [(f.forget_id, f.data_set_id, f.problem_id) for f in state.forgotten.values()]
    columns = ("forget_id", "data_set_id", "problem_id")
    _create_list_view(connection, "forgotten", columns, forgotten)
    return visible.snapshot


def create_mart_views(
    lakehouse: Lakehouse, connection: duckdb.DuckDBPyConnection, namespace: str
) -> list[str]:
    """Create one view, in the current schema, per table that another engine keeps in a namespace.

    Every view is bound to the current metadata file.

    Returns:
        The addresses of the tables' folders.

    Raises:
        QueryError: the namespace has no tables.
    """
    tables = lakehouse.tables_of(namespace)
    if not tables:
        raise QueryError(
            f"the catalog has no tables in namespace {namespace}\n"
            "  build them with the other engine first, or name the namespace in which it keeps them"
        )
    for table in tables:
        configure_store(connection, table)
        rows = f"from iceberg_scan({quote_literal(table.metadata_location)})"
        if table.current_snapshot() is None:
            rows += " where false"
        connection.execute(f"create view {quote_identifier(table.name()[-1])} as {rows}")
    return [table.location() for table in tables]


def _create_table_view(
    connection: duckdb.DuckDBPyConnection, visible: VisibleTable, keep: Path | None
) -> None:
    definition, table, snapshot = visible.definition, visible.table, visible.snapshot
    if table is None:
        _create_empty_view(connection, definition)
        return
    configure_store(connection, table)
    location = kept_metadata(table, keep) if keep else table.metadata_location
    rows = f"from iceberg_scan({quote_literal(location)}"
    rows += f", snapshot_from_id = {snapshot.snapshot_id})" if snapshot else ") where false"
    if visible.hidden:
        rows += f" where load_id not in ({', '.join(map(quote_literal, visible.hidden))})"
    view = f"{quote_identifier(SOURCE_SCHEMA)}.{quote_identifier(definition.name)}"
    # A snapshot of an earlier version of obslake has the columns of that version.
    schemas = table.metadata.schemas
    schema_id = snapshot.schema_id if snapshot else None
    schema = next((s for s in schemas if s.schema_id == schema_id), table.schema())
    missing = [f for f in definition.schema.fields if f.name not in schema.column_names]
    columns = ", ".join(["*", *_nulls(missing)])
    connection.execute(f"create or replace view {view} as select {columns} {rows}")
    connection.execute(f"comment on view {view} is {quote_literal(definition.comment)}")


def _create_list_view(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: tuple[str, ...],
    rows: Iterable[tuple[str | None, ...]],
) -> None:
    """Create a view whose definition contains its rows of text."""
    rows = sorted(rows, key=repr)
    view = f"{quote_identifier(SOURCE_SCHEMA)}.{quote_identifier(name)}"
    # DuckDB reads long lists much faster than a long VALUES.
    lists = (
        ", ".join(
            f"unnest([{', '.join(map(_literal, values))}]::varchar[]) as {quote_identifier(column)}"
            for column, values in zip(columns, zip(*rows, strict=True), strict=True)
        )
        if rows
        else ", ".join(f"unnest([]::varchar[]) as {quote_identifier(c)}" for c in columns)
    )
    connection.execute(f"create or replace view {view} as select {lists}")


def _literal(text: str | None) -> str:
    return "null" if text is None else quote_literal(text)


def _nulls(fields: Iterable[NestedField]) -> list[str]:
    """Return the SQL of columns of nulls."""
    return [f"null::{sql_type(f.field_type)} as {quote_identifier(f.name)}" for f in fields]


def _create_empty_view(connection: duckdb.DuckDBPyConnection, definition: TableDefinition) -> None:
    columns = ", ".join(_nulls(definition.schema.fields))
    connection.execute(
        f"create or replace view {quote_identifier(SOURCE_SCHEMA)}.{quote_identifier(definition.name)} "
        f"as select {columns} where false"
    )

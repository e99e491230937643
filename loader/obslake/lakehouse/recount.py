"""Counts the rows of each load if the history of a table is cut off, so that earlier summaries are lost."""

from uuid import UUID

import duckdb
from pyiceberg.table import Table

from obslake import engine
from obslake.engine import quote_literal, reason
from obslake.errors import DamagedMetadataError
from obslake.lakehouse.ancestry import cut_off, with_counted
from obslake.lakehouse.schemas import PINNED
from obslake.lakehouse.store import configure_store

# A cache without expiry: snapshots never change.
_counted: dict[tuple[UUID, int], dict[str, int]] = {}


def recount(table: Table) -> Table:
    """If a table's history is cut off, add the counted rows of its loads to its metadata.

    Only this process's copy of the metadata is changed; the next commit records the counts.

    Raises:
        DamagedMetadataError: the rows cannot be read.
    """
    if table.name()[-1] == PINNED.name:
        return table
    if cut := cut_off(table.metadata):
        counted = {snapshot_id: _count(table, snapshot_id) for snapshot_id in cut}
        table.metadata = with_counted(table.metadata, counted)
    return table


def _count(table: Table, snapshot_id: int) -> dict[str, int]:
    key = table.metadata.table_uuid, snapshot_id
    if key not in _counted:
        try:
            with engine.connect() as connection:
                configure_store(connection, table)
                rows = connection.execute(
                    f"select load_id, count(*) from iceberg_scan({quote_literal(table.metadata_location)}, "
                    f"snapshot_from_id = {snapshot_id}) group by load_id"
                ).fetchall()
        except duckdb.Error as error:
            name = table.name()[-1]
            raise DamagedMetadataError(
                f"{name}: snapshots before {snapshot_id} were removed by another tool, and its rows cannot be "
                f"counted: {reason(error)}\n  restore the file from a backup of the lakehouse"
            ) from error
        _counted[key] = dict(rows)
    return _counted[key]

"""Pins a moment, for engines that read the tables directly from the catalog.

DuckDB reads the tables as of one moment through views that obslake creates when it connects. Other
engines read from an Iceberg table, `pinned`, which snapshots to use and which loads are visible: obslake
keeps this in notes in the metadata of the tables, which they cannot read.
"""

from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Transaction

from obslake.errors import DamagedMetadataError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.commits import commit
from obslake.lakehouse.datafiles import remove_data_files, write_data_files
from obslake.lakehouse.ledger import OPERATION_PROPERTY
from obslake.lakehouse.schemas import NAMESPACE, PINNED
from obslake.lakehouse.snapshots import live_files, replace_files
from obslake.lakehouse.visible import VisibleTables, visible_at
from obslake.lakehouse.workfolder import work_folder
from obslake.version import __version__


@dataclass(frozen=True)
class Pinned:
    """What was pinned.

    Attributes:
        snapshot_id: snapshot of observations; None if nothing was loaded yet.
        loads: number of visible loads.
    """

    snapshot_id: int | None
    loads: int


def pin(lakehouse: Lakehouse, as_of_snapshot: int | None = None) -> Pinned:
    """Pin the current state, or the state at an earlier snapshot of observations, in one commit.

    Raises:
        SnapshotNotFoundError: observations has no such snapshot.
        CommitConflictError: other processes pinned before each attempt.
    """
    # Fail for an unknown snapshot before the table is created.
    visible_at(lakehouse, as_of_snapshot)
    # The folder protects the new files from being removed as orphans until the commit.
    with work_folder(lakehouse.home, ".pin-"):
        try:
            return _pin(lakehouse, as_of_snapshot)
        except (FileNotFoundError, DamagedMetadataError):
            # A damaged table can be created again, because all its content comes from the other tables.
            with suppress(NoSuchTableError):
                lakehouse.catalog.drop_table((NAMESPACE, PINNED.name))
            return _pin(lakehouse, as_of_snapshot)


def _pin(lakehouse: Lakehouse, as_of_snapshot: int | None) -> Pinned:
    table = lakehouse.create_table(PINNED)
    columns = schema_to_pyarrow(table.schema(), include_field_ids=False)
    properties = {OPERATION_PROPERTY: "pin", "obslake.version": __version__}
    added: list[DataFile] = []
    visible: VisibleTables

    def stage(transaction: Transaction) -> None:
        nonlocal visible
        # Files of a previous attempt.
        remove_data_files(table.io, added)
        # Read again for each attempt, so that a later pin never has less than an earlier one.
        visible = visible_at(lakehouse, as_of_snapshot)
        rows = [{**dict.fromkeys(columns.names), **row} for row in _rows(visible)]
        live = live_files(table, transaction.table_metadata.current_snapshot())
        added[:] = write_data_files(table, pa.Table.from_pylist(rows, columns).to_batches())
        replace_files(transaction, live.values(), added, properties)

    commit(table, stage, added=added)
    return Pinned(_snapshot_id(visible), len(visible.state.loads))


def _snapshot_id(visible: VisibleTables) -> int | None:
    return visible.snapshot.snapshot_id if visible.snapshot else None


def _rows(visible: VisibleTables) -> list[dict[str, str | int | None]]:
    rows: list[dict[str, str | int | None]] = [
        {"kind": "shown", "snapshot_id": _snapshot_id(visible), "digest": visible.state.digest()}
    ]
    for table in visible.tables:
        name = table.definition.name
        snapshot_id = table.snapshot.snapshot_id if table.snapshot else None
        if table.table is not None:
            rows.append({"kind": "table", "table_name": name, "snapshot_id": snapshot_id})
        rows += [{"kind": "hidden", "table_name": name, "load_id": i} for i in table.hidden]
    rows += [
        {"kind": "load", "load_id": load.load_id, "revision": visible.state.revision(load)}
        for load in visible.state.loads.values()
    ]
    rows += [
        {
            "kind": "forgotten",
            "forget_id": forgotten.forget_id,
            "data_set_id": forgotten.data_set_id,
            "problem_id": forgotten.problem_id,
        }
        for forgotten in visible.state.forgotten.values()
    ]
    return rows

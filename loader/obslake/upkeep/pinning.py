"""Pins a moment, for engines that see the tables of the catalog as they are.

DuckDB reads the tables as of one moment through views that obslake makes when it connects. Other
engines are told by an Iceberg table, `pinned`, which snapshots to read, and which loads there are: what
the metadata of the tables says in notes of obslake's own.
"""

from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Transaction

from obslake import __version__
from obslake.errors import DamagedMetadataError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.commits import commit
from obslake.lakehouse.datafiles import remove_data_files, write_data_files
from obslake.lakehouse.ledger import OPERATION_PROPERTY
from obslake.lakehouse.schemas import NAMESPACE, PINNED
from obslake.lakehouse.snapshots import live_files, replace_files
from obslake.lakehouse.visible import Shown, shown_at
from obslake.lakehouse.workfolder import work_folder


@dataclass(frozen=True)
class Pinned:
    """What was pinned.

    Attributes:
        snapshot_id: snapshot of observations; None where nothing was loaded yet.
        loads: how many loads are shown.
    """

    snapshot_id: int | None
    loads: int


def pin(lakehouse: Lakehouse, as_of_snapshot: int | None = None) -> Pinned:
    """Pin what is shown now, or was at an earlier snapshot of observations, in one commit.

    Raises:
        SnapshotNotFoundError: observations has no such snapshot.
        CommitConflictError: others pinned all the time.
    """
    # Nothing is made for a moment that there never was.
    shown_at(lakehouse, as_of_snapshot)
    # Its files are referred to only when they are committed: until then the folder protects them.
    with work_folder(lakehouse.home, ".pin-"):
        try:
            return _pin(lakehouse, as_of_snapshot)
        except (FileNotFoundError, DamagedMetadataError):
            # The other tables say all that it has: what is damaged is made again.
            with suppress(NoSuchTableError):
                lakehouse.catalog.drop_table((NAMESPACE, PINNED.name))
            return _pin(lakehouse, as_of_snapshot)


def _pin(lakehouse: Lakehouse, as_of_snapshot: int | None) -> Pinned:
    table = lakehouse.create_table(PINNED)
    columns = schema_to_pyarrow(table.schema(), include_field_ids=False)
    properties = {OPERATION_PROPERTY: "pin", "obslake.version": __version__}
    added: list[DataFile] = []
    shown: Shown

    def stage(transaction: Transaction) -> None:
        nonlocal shown
        # Of an attempt that came too late.
        remove_data_files(table.io, added)
        # Asked again for each attempt: the process that pins last has not seen less than the one before.
        shown = shown_at(lakehouse, as_of_snapshot)
        rows = [{**dict.fromkeys(columns.names), **row} for row in _rows(shown)]
        live = live_files(table, transaction.table_metadata.current_snapshot())
        added[:] = write_data_files(table, pa.Table.from_pylist(rows, columns).to_batches())
        replace_files(transaction, live.values(), added, properties)

    commit(table, stage, added=added)
    return Pinned(_snapshot_id(shown), len(shown.state.loads))


def _snapshot_id(shown: Shown) -> int | None:
    return shown.snapshot.snapshot_id if shown.snapshot else None


def _rows(shown: Shown) -> list[dict[str, str | int | None]]:
    rows: list[dict[str, str | int | None]] = [
        {"kind": "shown", "snapshot_id": _snapshot_id(shown), "digest": shown.state.digest()}
    ]
    for table in shown.tables:
        name = table.definition.name
        snapshot_id = table.snapshot.snapshot_id if table.snapshot else None
        if table.table is not None:
            rows.append({"kind": "table", "table_name": name, "snapshot_id": snapshot_id})
        rows += [{"kind": "hidden", "table_name": name, "load_id": i} for i in table.hidden]
    rows += [
        {"kind": "load", "load_id": load.load_id, "revision": shown.state.revision(load)}
        for load in shown.state.loads.values()
    ]
    rows += [
        {
            "kind": "forgotten",
            "forget_id": forgotten.forget_id,
            "data_set_id": forgotten.data_set_id,
            "problem_id": forgotten.problem_id,
        }
        for forgotten in shown.state.forgotten.values()
    ]
    return rows

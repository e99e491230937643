"""What of the tables is shown at one moment: a snapshot of each, without rows of incomplete loads."""

from dataclasses import dataclass

from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from obslake.errors import SnapshotNotFoundError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.ledger import (
    TableState,
    current_state,
    load_ids,
    noted_loads,
    state_at,
)
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS, TableDefinition
from obslake.lakehouse.snapshots import snapshot_with


@dataclass(frozen=True)
class ShownTable:
    """What of one table is shown.

    Attributes:
        definition: the table.
        table: its metadata; None where the lakehouse does not have the table.
        snapshot: snapshot that is shown; None: no rows are.
        hidden: loads of which the snapshot has rows that are not shown.
    """

    definition: TableDefinition
    table: Table | None
    snapshot: Snapshot | None
    hidden: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """What of all tables is shown.

    Attributes:
        snapshot: the snapshot of observations; None where nothing was loaded yet.
        state: the loads that are shown, and what was forgotten of them.
        tables: every table, in the order of `ALL_TABLES`.
    """

    snapshot: Snapshot | None
    state: TableState
    tables: tuple[ShownTable, ...]


def shown_at(lakehouse: Lakehouse, as_of_snapshot: int | None = None) -> Shown:
    """Return what is shown now, or was at an earlier snapshot of ``observations``.

    Of the other tables the rows of the loads are shown that had been completed by then.

    Raises:
        SnapshotNotFoundError: ``observations`` has no snapshot with that id.
    """
    # The observations of a load are committed last: read first, they decide which loads are shown.
    observations = lakehouse.table(OBSERVATIONS)
    shown = observations.current_snapshot()
    if as_of_snapshot is not None:
        shown = observations.snapshot_by_id(as_of_snapshot)
        if shown is None:
            raise SnapshotNotFoundError(
                f"observations has no snapshot {as_of_snapshot}\n"
                "  list the snapshots with `obslake status --snapshots`"
            )
    state = state_at(observations.metadata, shown)
    completed = state.loads.keys()
    tables = []
    for definition in ALL_TABLES:
        if definition is OBSERVATIONS:
            tables.append(ShownTable(definition, observations, shown, ()))
            continue
        if not lakehouse.has(definition):
            tables.append(ShownTable(definition, None, None, ()))
            continue
        table = lakehouse.table(definition)
        described = completed & noted_loads(table.metadata).keys()
        snapshot = snapshot_with(table.metadata, described)
        hidden = load_ids(table.metadata, snapshot) - completed if snapshot else ()
        tables.append(ShownTable(definition, table, snapshot, tuple(sorted(hidden))))
    return Shown(shown, state, tuple(tables))


def overtaken_loads(metadata: TableMetadata, observations: TableMetadata) -> set[str]:
    """Return the loads in a table that others have overtaken: those have loaded some of their sources.

    They have committed no observations, and never will, since that would load a source a second time. So
    no query has ever shown their rows, and none will.
    """
    complete, ended = current_state(observations).loads, noted_loads(observations)
    keys = {key for load in complete.values() for key in load.keys}
    return {
        load_id
        for load_id, load in current_state(metadata).loads.items()
        if load_id not in ended and not keys.isdisjoint(load.keys)
    }

"""The visible rows of the tables at one moment: a snapshot of each table, without rows of incomplete loads."""

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
class VisibleTable:
    """The visible part of one table.

    Attributes:
        definition: the table.
        table: its metadata; None: the lakehouse does not have the table.
        snapshot: the visible snapshot; None: no rows are visible.
        hidden: loads whose rows in the snapshot are not visible.
    """

    definition: TableDefinition
    table: Table | None
    snapshot: Snapshot | None
    hidden: tuple[str, ...]


@dataclass(frozen=True)
class VisibleTables:
    """The visible part of all tables.

    Attributes:
        snapshot: the snapshot of observations; None: nothing was loaded yet.
        state: the visible loads, and the deletions among their rows.
        tables: every table, in the order of `ALL_TABLES`.
    """

    snapshot: Snapshot | None
    state: TableState
    tables: tuple[VisibleTable, ...]


def visible_at(lakehouse: Lakehouse, as_of_snapshot: int | None = None) -> VisibleTables:
    """Return what is visible now, or was at an earlier snapshot of ``observations``.

    In the other tables, only rows of loads that were complete by then are visible.

    Raises:
        SnapshotNotFoundError: ``observations`` has no snapshot with that id.
    """
    # A load commits its observations last, so these are read first, and decide which loads are visible.
    observations = lakehouse.table(OBSERVATIONS)
    visible = observations.current_snapshot()
    if as_of_snapshot is not None:
        visible = observations.snapshot_by_id(as_of_snapshot)
        if visible is None:
            raise SnapshotNotFoundError(
                f"observations has no snapshot {as_of_snapshot}\n"
                "  list the snapshots with `obslake status --snapshots`"
            )
    state = state_at(observations.metadata, visible)
    completed = state.loads.keys()
    tables = []
    for definition in ALL_TABLES:
        if definition is OBSERVATIONS:
            tables.append(VisibleTable(definition, observations, visible, ()))
            continue
        if not lakehouse.has(definition):
            tables.append(VisibleTable(definition, None, None, ()))
            continue
        table = lakehouse.table(definition)
        described = completed & noted_loads(table.metadata).keys()
        snapshot = snapshot_with(table.metadata, described)
        hidden = load_ids(table.metadata, snapshot) - completed if snapshot else ()
        tables.append(VisibleTable(definition, table, snapshot, tuple(sorted(hidden))))
    return VisibleTables(visible, state, tuple(tables))


def superseded_loads(metadata: TableMetadata, observations: TableMetadata) -> set[str]:
    """Return the superseded loads in a table: other loads have completed some of their sources.

    A superseded load has no committed observations and never will, because that would load a source twice. So no
    query ever shows its rows.
    """
    complete, finished = current_state(observations).loads, noted_loads(observations)
    keys = {key for load in complete.values() for key in load.keys}
    return {
        load_id
        for load_id, load in current_state(metadata).loads.items()
        if load_id not in finished and not keys.isdisjoint(load.keys)
    }

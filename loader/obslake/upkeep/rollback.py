"""Restores the tables to their state at an earlier snapshot, by adding new snapshots."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from pyiceberg.manifest import DataFile, ManifestEntryStatus
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from obslake.errors import RollbackError, SnapshotNotFoundError
from obslake.lakehouse.ancestry import LOAD_ID_PROPERTY
from obslake.lakehouse.catalog import Lakehouse, snapshot_time
from obslake.lakehouse.commits import commit
from obslake.lakehouse.events import CommittedLoad, Forgotten
from obslake.lakehouse.ledger import (
    TableState,
    current_state,
    noted_forgotten,
    noted_loads,
    rollback_properties,
    state_at,
    states,
)
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS, TableDefinition
from obslake.lakehouse.snapshots import live_files, replace_files
from obslake.lakehouse.workfolder import work_folder
from obslake.version import __version__

_LIST = "list the snapshots with `obslake status --snapshots`"


@dataclass(frozen=True)
class Rollback:
    """What a rollback does, or did.

    Attributes:
        snapshot_id: snapshot of observations that is restored.
        committed_at: when it was committed.
        previous_snapshot_id: snapshot of observations that was current before; rolling back to it undoes this.
        loads_removed: loads that are no longer visible, in the order of their commits.
        loads_restored: loads that become visible again.
        forgotten_restored: deletions by `obslake forget` after the snapshot, which are undone.
        tables: the result for each table.
    """

    snapshot_id: int
    committed_at: datetime
    previous_snapshot_id: int | None
    loads_removed: list[CommittedLoad]
    loads_restored: list[CommittedLoad]
    forgotten_restored: list[Forgotten]
    tables: list["TableRollback"] = field(default_factory=list)


@dataclass(frozen=True)
class TableRollback:
    """The result for one table.

    Attributes:
        table: name of the table.
        rows_before: number of rows before.
        rows: number of rows now.
        hidden: loads whose rows stay, hidden from queries, because no snapshot without them exists any more.
        lost: loads whose rows are missing, because no snapshot with them exists any more.
    """

    table: str
    rows_before: int
    rows: int
    hidden: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def plan_rollback(lakehouse: Lakehouse, target: str) -> Rollback:
    """Return what a rollback would do, without changing anything.

    Args:
        lakehouse: the lakehouse.
        target: id of a snapshot of observations, or of the load that committed the snapshot.

    Raises:
        SnapshotNotFoundError: there is no such snapshot, or it was removed.
    """
    metadata = lakehouse.table(OBSERVATIONS).metadata
    snapshot = _find(metadata, target)
    before, after = current_state(metadata), state_at(metadata, snapshot)
    return Rollback(
        snapshot.snapshot_id,
        snapshot_time(snapshot),
        metadata.current_snapshot_id,
        _without(before, after),
        _without(after, before),
        [f for i, f in before.forgotten.items() if i not in after.forgotten],
    )


def roll_back(lakehouse: Lakehouse, plan: Rollback) -> Rollback:
    """Do what was planned.

    Observations are first, in one commit: from then on, queries read the rows of the other tables that
    belong to them. The other tables are then brought in line with observations, whatever an interrupted
    rollback has left. Rows of running and interrupted loads stay.

    Raises:
        RollbackError: another process has changed the loads meanwhile.
        DeleteFilesError: a table has delete files of another engine.
        CommitConflictError: other processes committed before each attempt.
    """
    with work_folder(lakehouse.home, ".rollback-"):
        observations = lakehouse.table(OBSERVATIONS)
        last = _roll_back_observations(observations, plan)
        tables = [
            _bring_in_line(lakehouse.table(definition), definition, observations.metadata)
            for definition in filter(lakehouse.has, ALL_TABLES)
            if definition is not OBSERVATIONS
        ]
    return replace(plan, tables=[*tables, last])


def _find(metadata: TableMetadata, target: str) -> Snapshot:
    if target.isdecimal():
        if found := metadata.snapshot_by_id(int(target)):
            return found
        raise SnapshotNotFoundError(f"observations has no snapshot {target}\n  {_LIST}")
    for snapshot in metadata.snapshots:
        if snapshot.summary and snapshot.summary.get(LOAD_ID_PROPERTY) == target:
            return snapshot
    known = target in noted_loads(metadata)
    what = f"the snapshot of load {target} was removed" if known else f"there is no load {target}"
    raise SnapshotNotFoundError(f"{what}\n  {_LIST}")


def _without(one: TableState, other: TableState) -> list[CommittedLoad]:
    missing = (load for load in one.loads.values() if load.load_id not in other.loads)
    return sorted(missing, key=lambda load: load.sequence_number)


def _roll_back_observations(table: Table, plan: Rollback) -> TableRollback:
    rows = _rows(live_files(table, table.current_snapshot()).values())

    def stage(transaction: Transaction) -> None:
        metadata = transaction.table_metadata
        target = metadata.snapshot_by_id(plan.snapshot_id)
        if target is None:
            raise SnapshotNotFoundError(
                f"observations has no snapshot {plan.snapshot_id}\n  {_LIST}"
            )
        before, after = current_state(metadata), state_at(metadata, target)
        if _without(before, after) != plan.loads_removed:
            raise RollbackError(
                "other loads were committed, or rolled back, meanwhile\n"
                "  nothing was changed: run the command again to see what it would do now"
            )
        _stage(transaction, table, live_files(table, target), before, after, target)

    commit(table, stage)
    return TableRollback(
        OBSERVATIONS.name, rows, _rows(live_files(table, table.current_snapshot()).values())
    )


def _stage(
    transaction: Transaction,
    table: Table,
    files: dict[str, DataFile],
    before: TableState,
    after: TableState,
    target: Snapshot | None,
) -> None:
    """Stage a snapshot with exactly these files in a transaction, unless the table has this state already."""
    now = live_files(table, transaction.table_metadata.current_snapshot())
    if files.keys() == now.keys() and before.digest() == after.digest():
        return
    properties = rollback_properties(before, after, target.snapshot_id if target else None)
    properties["obslake.version"] = __version__
    replace_files(
        transaction,
        removed=[file for path, file in now.items() if path not in files],
        added=[file for path, file in files.items() if path not in now],
        properties=properties,
    )


@dataclass(frozen=True)
class _Version:
    """A state that a table can be given: a snapshot, and files of other loads.

    Attributes:
        snapshot: the snapshot; None: the table before its first.
        state: the loads and deletions in the snapshot.
        added: snapshots of loads whose files are added.
        hidden: loads in the snapshot that are not wanted.
        lost: wanted loads that are neither in the snapshot nor added.
        other_forgotten: number of deletions by which the snapshot and the wanted state differ.
    """

    snapshot: Snapshot | None
    state: TableState
    added: list[Snapshot]
    hidden: tuple[str, ...]
    lost: tuple[str, ...]
    other_forgotten: int

    @property
    def unfit(self) -> tuple[int, int, int, int, int]:
        """The distance from the wanted state: the least fits best, and of equals the newest."""
        number = (self.snapshot.sequence_number or 0) if self.snapshot else 0
        return (len(self.lost), self.other_forgotten, len(self.hidden), len(self.added), -number)


def _bring_in_line(
    table: Table, definition: TableDefinition, observations: TableMetadata
) -> TableRollback:
    """Give a table the rows of the loads whose observations are visible, and of unfinished loads."""
    rows = _rows(live_files(table, table.current_snapshot()).values())
    hidden: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def stage(transaction: Transaction) -> None:
        nonlocal hidden, lost
        metadata = transaction.table_metadata
        before = current_state(metadata)
        after = _wanted(metadata, before, observations)
        if before.digest() == after.digest():
            return
        best = min(_versions(metadata, after), key=lambda version: version.unfit)
        hidden, lost = best.hidden, best.lost
        files = live_files(table, best.snapshot)
        for snapshot in best.added:
            files.update(_added_files(table, snapshot))
        after.loads.update({i: best.state.loads[i] for i in hidden})
        for load_id in lost:
            del after.loads[load_id]
        after.forgotten = dict(best.state.forgotten)
        _stage(transaction, table, files, before, after, best.snapshot)

    commit(table, stage)
    now = _rows(live_files(table, table.current_snapshot()).values())
    return TableRollback(definition.name, rows, now, hidden, lost)


def _wanted(metadata: TableMetadata, before: TableState, observations: TableMetadata) -> TableState:
    """Return the state that a table must have to describe the current observations."""
    visible = current_state(observations)
    ended, ever_forgotten = noted_loads(observations), noted_forgotten(observations)
    unfinished = {i: load for i, load in before.loads.items() if i not in ended}
    described = {i: n for i, n in noted_loads(metadata).items() if i in visible.loads}
    forgotten = {
        forget_id: note
        for forget_id, note in noted_forgotten(metadata).items()
        if (
            forget_id in visible.forgotten
            or (forget_id in before.forgotten and forget_id not in ever_forgotten)
        )
    }
    return TableState({**described, **unfinished}, forgotten)


def _versions(metadata: TableMetadata, wanted: TableState) -> Iterable[_Version]:
    """Yield the states that a table can be given from its existing snapshots."""
    own = {
        snapshot.summary.get(LOAD_ID_PROPERTY): snapshot
        for snapshot in metadata.snapshots
        if snapshot.summary
    }
    # Files of earlier loads may still have forgotten rows.
    last_forgotten = max((f.sequence_number for f in wanted.forgotten.values()), default=0)
    clean = {i: s for i, s in own.items() if (s.sequence_number or 0) > last_forgotten}
    for snapshot, state in [(None, TableState()), *states(metadata)]:
        missing = wanted.loads.keys() - state.loads.keys()
        yield _Version(
            snapshot,
            state,
            added=[clean[i] for i in sorted(missing) if i in clean],
            hidden=tuple(sorted(state.loads.keys() - wanted.loads.keys())),
            lost=tuple(sorted(i for i in missing if i not in clean)),
            other_forgotten=len(state.forgotten.keys() ^ wanted.forgotten.keys()),
        )


def _added_files(table: Table, snapshot: Snapshot) -> dict[str, DataFile]:
    return {
        entry.data_file.file_path: entry.data_file
        for manifest in snapshot.manifests(table.io)
        if manifest.added_snapshot_id == snapshot.snapshot_id
        for entry in manifest.fetch_manifest_entry(table.io)
        if entry.status == ManifestEntryStatus.ADDED
    }


def _rows(files: Iterable[DataFile]) -> int:
    return sum(file.record_count for file in files)

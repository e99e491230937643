"""The history of a table, read from its metadata: which loads are in each snapshot.

The summary of a snapshot records its event: a load, a rollback (which removes or restores loads) or a deletion by
`obslake forget`. The loads in a snapshot follow from the events of its ancestors.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from obslake.lakehouse.ancestry import (
    FORGET_PROPERTY,
    ROLLBACK_PROPERTY,
    Commit,
    commits,
    compact,
    counted_rows,
)
from obslake.lakehouse.events import (
    CommittedLoad,
    Event,
    Forgotten,
    RolledBack,
    carried_events,
    read_event,
)

# Summary property with the kind of a snapshot that no load committed.
OPERATION_PROPERTY = "obslake.operation"


@dataclass
class TableState:
    """The loads in a snapshot of a table, and the deletions in effect there.

    Attributes:
        loads: the loads by id.
        forgotten: the deletions by id.
    """

    loads: dict[str, CommittedLoad] = field(default_factory=dict)
    forgotten: dict[str, Forgotten] = field(default_factory=dict)

    def forgotten_after(self, load: CommittedLoad) -> list[Forgotten]:
        """Return the deletions that were committed after a load."""
        return [f for f in self.forgotten.values() if f.sequence_number > load.sequence_number]

    def rows(self, load: CommittedLoad) -> int | None:
        """Return how many rows of a load the table must have; None: not known."""
        if load.rows is None:
            return None
        return load.rows - sum(f.rows.get(load.load_id, 0) for f in self.forgotten.values())

    def revision(self, load: CommittedLoad) -> str:
        """Return a text that changes with every deletion after a load; empty before the first."""
        after = sorted(f.forget_id for f in self.forgotten_after(load))
        return sha256(json.dumps(after).encode()).hexdigest()[:32] if after else ""

    def digest(self) -> str:
        """Return a hash that is equal for all snapshots with the same rows."""
        parts = [sorted(self.loads), sorted(self.forgotten)]
        return sha256(json.dumps(parts).encode()).hexdigest()


def state_at(metadata: TableMetadata, until: Snapshot | None) -> TableState:
    """Return the state of a table in a snapshot; None: the empty state before the first snapshot."""
    return Ledger(metadata).state(until.snapshot_id) if until else TableState()


def current_state(metadata: TableMetadata) -> TableState:
    """Return the state of a table in its current snapshot."""
    return Ledger(metadata).current


def states(metadata: TableMetadata) -> Iterator[tuple[Snapshot, TableState]]:
    """Return all existing snapshots in the order of their commits, with the state of each."""
    notes = Ledger(metadata)
    # The parent of most snapshots is the one before.
    before: dict[int, TableState] = {}
    for snapshot in sorted(metadata.snapshots, key=lambda s: s.sequence_number or 0):
        state = notes.state(snapshot.snapshot_id, before)
        yield snapshot, state
        before = {snapshot.snapshot_id: state}


def committed_loads(metadata: TableMetadata) -> list[CommittedLoad]:
    """Return the loads that are in a table in the order of their commits; their snapshots may have expired."""
    return sorted(current_state(metadata).loads.values(), key=lambda load: load.sequence_number)


@dataclass(frozen=True)
class Moment:
    """A table's state at some time, to find what changed since.

    Attributes:
        snapshot_id: its current snapshot; None: it had none.
        sequence_number: sequence number of the last recorded event.
        changed: last entry of the table's snapshot log: time in milliseconds since 1970, and snapshot id.
        loads: the loads that were in it.
    """

    snapshot_id: int | None = None
    sequence_number: int = 0
    changed: tuple[int, int] = (0, 0)
    loads: frozenset[str] = frozenset()


def noted_loads(metadata: TableMetadata) -> dict[str, CommittedLoad]:
    """Return all loads that were ever in a table, including those rolled back."""
    return Ledger(metadata).loads


def noted_forgotten(metadata: TableMetadata) -> dict[str, Forgotten]:
    """Return all deletions from a table, including those undone."""
    return Ledger(metadata).forgotten


def load_ids(metadata: TableMetadata, until: Snapshot | None) -> set[str]:
    """Return the ids of the loads that are in a table's snapshot."""
    return set(state_at(metadata, until).loads)


def rollback_properties(before: TableState, after: TableState, to: int | None) -> dict[str, str]:
    """Return the summary properties that record a rollback."""
    note = {
        "to": to,
        "removed": sorted(before.loads.keys() - after.loads.keys()),
        "restored": sorted(after.loads.keys() - before.loads.keys()),
        "undone": sorted(before.forgotten.keys() - after.forgotten.keys()),
        "redone": sorted(after.forgotten.keys() - before.forgotten.keys()),
    }
    return {OPERATION_PROPERTY: "rollback", ROLLBACK_PROPERTY: compact(note)}


def drop_properties(load_ids: Collection[str]) -> dict[str, str]:
    """Return the summary properties that record that compaction dropped the rows of loads."""
    if not load_ids:
        return {}
    note = {"to": None, "removed": sorted(load_ids), "restored": [], "undone": [], "redone": []}
    return {ROLLBACK_PROPERTY: compact(note)}


def forget_properties(
    forget_id: str, what: tuple[str, str | None, str | None], rows: Mapping[str, int]
) -> dict[str, str]:
    """Return the summary properties that record a deletion."""
    data_set_id, problem_id, run_id = what
    note = {
        "forget_id": forget_id,
        "data_set_id": data_set_id,
        "problem_id": problem_id,
        "run_id": run_id,
        "rows": rows,
    }
    return {OPERATION_PROPERTY: "forget", FORGET_PROPERTY: compact(note)}


class Ledger:
    """The recorded history of a table."""

    def __init__(self, metadata: TableMetadata) -> None:
        """Read the events in a table's metadata."""
        self._metadata = metadata
        self._commits = commits(metadata)
        self._counted = counted_rows(metadata)
        self._notes: dict[int, Event] = {
            commit.snapshot_id: note
            for commit in self._commits.values()
            if (note := read_event(commit.sequence_number, commit.note)) is not None
        }
        carried = carried_events(metadata)
        # A snapshot has one event, which may be recorded in both places.
        once = {note.sequence_number: note for note in (*carried, *self._notes.values())}
        self.events = [once[number] for number in sorted(once)]

    @cached_property
    def loads(self) -> dict[str, CommittedLoad]:
        """All loads that were ever in the table, by id."""
        loads = {
            load_id: CommittedLoad(load_id, self._commits[snapshot_id].sequence_number, ())
            for snapshot_id, rows in self._counted.items()
            for load_id in rows
        }
        loads.update({n.load_id: n for n in self.events if isinstance(n, CommittedLoad)})
        return loads

    @cached_property
    def forgotten(self) -> dict[str, Forgotten]:
        """All deletions from the table, including those undone, by id."""
        return _forgotten(self.events)

    @cached_property
    def current(self) -> TableState:
        """The state of the current snapshot."""
        current = self._metadata.current_snapshot_id
        return TableState() if current is None else self.state(current)

    @property
    def _log(self) -> list[tuple[int, int]]:
        return [(entry.timestamp_ms, entry.snapshot_id) for entry in self._metadata.snapshot_log]

    @property
    def moment(self) -> Moment:
        """The current moment, to compare with later."""
        return Moment(
            self._metadata.current_snapshot_id,
            max((event.sequence_number for event in self.events), default=0),
            self._log[-1] if self._log else (0, 0),
            frozenset(self.current.loads),
        )

    def touched_since(self, then: Moment) -> list[CommittedLoad]:
        """Return the loads that any tool has committed, removed or restored since a moment."""
        touched: set[str] = set()
        for note in self.events:
            if note.sequence_number <= then.sequence_number:
                continue
            match note:
                case CommittedLoad():
                    touched.add(note.load_id)
                case RolledBack():
                    touched.update(note.removed, note.restored)
        # Other tools record no event when they make another snapshot current; only the snapshot log shows it.
        # Positions in the log are compared, not times: the clocks of two machines may differ.
        log = self._log
        known = len(log) - log[::-1].index(then.changed) if then.changed in log else 0
        for _, snapshot_id in log[known:]:
            if snapshot_id in self._commits:
                touched.update(self.state(snapshot_id).loads.keys() ^ then.loads)
        return [load for load_id, load in self.loads.items() if load_id in touched]

    def lost(self, complete: Collection[str]) -> set[str]:
        """Return the complete loads that had rows in the table and are no longer in it."""
        had_rows = {i for i in complete if i in self.loads and self.loads[i].rows}
        return had_rows - self.current.loads.keys()

    def state(self, snapshot_id: int, known: Mapping[int, TableState] | None = None) -> TableState:
        """Return the state of a snapshot; ``known`` has the states of others."""
        known = known or {}
        line = []
        at: int | None = snapshot_id
        while at in self._commits and at not in known and at not in self._counted:
            line.append(self._commits[at])
            at = line[-1].parent
        if at is not None and at in known:
            state = TableState(dict(known[at].loads), dict(known[at].forgotten))
        elif at in self._counted:
            state = self._state_by_rows(self._commits[at])
        else:
            # If the history is cut off, all events recorded before the cut count.
            before = line[-1].sequence_number if line and at is not None else 0
            state = self._state_before(before)
        for commit in reversed(line):
            self._apply(state, self._notes.get(commit.snapshot_id))
        return state

    def _state_before(self, sequence_number: int) -> TableState:
        state = TableState()
        for note in self.events:
            if note.sequence_number < sequence_number:
                self._apply(state, note)
        return state

    def _state_by_rows(self, commit: Commit) -> TableState:
        """Correct the events recorded until a commit by the rows that were counted there."""
        noted = self._state_before(commit.sequence_number + 1)
        counted = self._counted[commit.snapshot_id]
        # A load without rows cannot be counted: its event alone proves it.
        state = TableState(
            {i: n for i, n in noted.loads.items() if not noted.rows(n)}, noted.forgotten
        )
        for load_id, rows in counted.items():
            forgotten = sum(f.rows.get(load_id, 0) for f in noted.forgotten.values())
            state.loads[load_id] = replace(self.loads[load_id], rows=rows + forgotten)
        return state

    def _apply(self, state: TableState, note: Event | None) -> None:
        match note:
            case CommittedLoad():
                state.loads[note.load_id] = note
            case Forgotten():
                state.forgotten.update(_forgotten([*state.forgotten.values(), note]))
            case RolledBack():
                for load_id in note.removed:
                    state.loads.pop(load_id, None)
                for forget_id in note.undone:
                    state.forgotten.pop(forget_id, None)
                loads, forgotten = self.loads, self.forgotten
                state.loads.update((i, loads[i]) for i in note.restored if i in loads)
                state.forgotten.update((i, forgotten[i]) for i in note.redone if i in forgotten)


def _forgotten(notes: Iterable[Event]) -> dict[str, Forgotten]:
    """Return the deletions by id, with the sums of rows; an interrupted command may have recorded two."""
    found: dict[str, Forgotten] = {}
    for note in notes:
        if isinstance(note, Forgotten):
            earlier = found.get(note.forget_id)
            rows = Counter(note.rows) + Counter(earlier.rows if earlier else {})
            found[note.forget_id] = replace(note, rows=dict(rows))
    return found

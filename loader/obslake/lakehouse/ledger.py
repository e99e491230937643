"""What happened to a table, as its metadata says: which loads are in each snapshot.

A load is noted in the summary of the snapshot that it commits; so is a rollback, which takes loads back
or brings them again, and what was forgotten. What is in a snapshot is what its ancestors have noted.
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

# In the summary of a snapshot that is not of a load: what it is.
OPERATION_PROPERTY = "obslake.operation"


@dataclass
class TableState:
    """Which loads are in a table, and what was forgotten of them.

    Attributes:
        loads: the loads, by their ids.
        forgotten: what was forgotten, by its id.
    """

    loads: dict[str, CommittedLoad] = field(default_factory=dict)
    forgotten: dict[str, Forgotten] = field(default_factory=dict)

    def forgotten_after(self, load: CommittedLoad) -> list[Forgotten]:
        """Return what was forgotten when a load was there already."""
        return [f for f in self.forgotten.values() if f.sequence_number > load.sequence_number]

    def rows(self, load: CommittedLoad) -> int | None:
        """Return how many rows of a load must be there; None where it is not known."""
        if load.rows is None:
            return None
        return load.rows - sum(f.rows.get(load.load_id, 0) for f in self.forgotten.values())

    def revision(self, load: CommittedLoad) -> str:
        """Return a text that is another one when rows of a load were forgotten; empty before."""
        after = sorted(f.forget_id for f in self.forgotten_after(load))
        return sha256(json.dumps(after).encode()).hexdigest()[:32] if after else ""

    def digest(self) -> str:
        """Return a text that is the same for all snapshots with the same rows."""
        parts = [sorted(self.loads), sorted(self.forgotten)]
        return sha256(json.dumps(parts).encode()).hexdigest()


def state_at(metadata: TableMetadata, until: Snapshot | None) -> TableState:
    """Return what is in a snapshot of a table; nothing is in it before the first."""
    return Ledger(metadata).state(until.snapshot_id) if until else TableState()


def current_state(metadata: TableMetadata) -> TableState:
    """Return what is in a table now."""
    return Ledger(metadata).current


def states(metadata: TableMetadata) -> Iterator[tuple[Snapshot, TableState]]:
    """Return all snapshots that are there, in the order of their commits, and what is in each."""
    notes = Ledger(metadata)
    # Most stand on the one before.
    before: dict[int, TableState] = {}
    for snapshot in sorted(metadata.snapshots, key=lambda s: s.sequence_number or 0):
        state = notes.state(snapshot.snapshot_id, before)
        yield snapshot, state
        before = {snapshot.snapshot_id: state}


def committed_loads(metadata: TableMetadata) -> list[CommittedLoad]:
    """Return the loads that are in a table, in the order of their commits, expired or not."""
    return sorted(current_state(metadata).loads.values(), key=lambda load: load.sequence_number)


@dataclass(frozen=True)
class Moment:
    """What a table was at some time.

    Attributes:
        snapshot_id: its current snapshot; None: there was none.
        sequence_number: of the last commit of which anything was noted until then.
        changed: when another snapshot last became the current one, in milliseconds since 1970, and which.
        loads: the loads that were in it.
    """

    snapshot_id: int | None = None
    sequence_number: int = 0
    changed: tuple[int, int] = (0, 0)
    loads: frozenset[str] = frozenset()


def noted_loads(metadata: TableMetadata) -> dict[str, CommittedLoad]:
    """Return the loads that are in a table, and those that were rolled back."""
    return Ledger(metadata).loads


def noted_forgotten(metadata: TableMetadata) -> dict[str, Forgotten]:
    """Return what was ever forgotten in a table, undone or not."""
    return Ledger(metadata).forgotten


def load_ids(metadata: TableMetadata, until: Snapshot | None) -> set[str]:
    """Return the loads that are in a table's snapshot."""
    return set(state_at(metadata, until).loads)


def rollback_properties(before: TableState, after: TableState, to: int | None) -> dict[str, str]:
    """Return what notes a rollback in the summary of its snapshot."""
    note = {
        "to": to,
        "removed": sorted(before.loads.keys() - after.loads.keys()),
        "restored": sorted(after.loads.keys() - before.loads.keys()),
        "undone": sorted(before.forgotten.keys() - after.forgotten.keys()),
        "redone": sorted(after.forgotten.keys() - before.forgotten.keys()),
    }
    return {OPERATION_PROPERTY: "rollback", ROLLBACK_PROPERTY: compact(note)}


def drop_properties(load_ids: Collection[str]) -> dict[str, str]:
    """Return what notes in the summary of a snapshot that rows of loads were dropped from a table."""
    if not load_ids:
        return {}
    note = {"to": None, "removed": sorted(load_ids), "restored": [], "undone": [], "redone": []}
    return {ROLLBACK_PROPERTY: compact(note)}


def forget_properties(
    forget_id: str, what: tuple[str, str | None, str | None], rows: Mapping[str, int]
) -> dict[str, str]:
    """Return what notes in the summary of a snapshot which rows were deleted."""
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
    """All that is noted about a table."""

    def __init__(self, metadata: TableMetadata) -> None:
        """Read the notes in a table's metadata."""
        self._metadata = metadata
        self._commits = commits(metadata)
        self._counted = counted_rows(metadata)
        self._notes: dict[int, Event] = {
            commit.snapshot_id: note
            for commit in self._commits.values()
            if (note := read_event(commit.sequence_number, commit.note)) is not None
        }
        carried = carried_events(metadata)
        # A snapshot has one note, which may be carried over and be there.
        once = {note.sequence_number: note for note in (*carried, *self._notes.values())}
        self.events = [once[number] for number in sorted(once)]

    @cached_property
    def loads(self) -> dict[str, CommittedLoad]:
        """The loads that were ever in the table."""
        loads = {
            load_id: CommittedLoad(load_id, self._commits[snapshot_id].sequence_number, ())
            for snapshot_id, rows in self._counted.items()
            for load_id in rows
        }
        loads.update({n.load_id: n for n in self.events if isinstance(n, CommittedLoad)})
        return loads

    @cached_property
    def forgotten(self) -> dict[str, Forgotten]:
        """What was ever forgotten in it."""
        return _forgotten(self.events)

    @cached_property
    def current(self) -> TableState:
        """What is in the table now."""
        current = self._metadata.current_snapshot_id
        return TableState() if current is None else self.state(current)

    @property
    def _log(self) -> list[tuple[int, int]]:
        return [(entry.timestamp_ms, entry.snapshot_id) for entry in self._metadata.snapshot_log]

    @property
    def moment(self) -> Moment:
        """What the table is now, to be compared later."""
        return Moment(
            self._metadata.current_snapshot_id,
            max((event.sequence_number for event in self.events), default=0),
            self._log[-1] if self._log else (0, 0),
            frozenset(self.current.loads),
        )

    def touched_since(self, then: Moment) -> list[CommittedLoad]:
        """Return the loads that were committed, taken back or brought again since, by whatever tool."""
        touched: set[str] = set()
        for note in self.events:
            if note.sequence_number <= then.sequence_number:
                continue
            match note:
                case CommittedLoad():
                    touched.add(note.load_id)
                case RolledBack():
                    touched.update(note.removed, note.restored)
        # Other tools note nothing when they make another snapshot the current one; the table's log has it.
        # By places in the log: the clocks of two machines may differ.
        log = self._log
        known = len(log) - log[::-1].index(then.changed) if then.changed in log else 0
        for _, snapshot_id in log[known:]:
            if snapshot_id in self._commits:
                touched.update(self.state(snapshot_id).loads.keys() ^ then.loads)
        return [load for load_id, load in self.loads.items() if load_id in touched]

    def lost(self, complete: Collection[str]) -> set[str]:
        """Return which of the complete loads had rows in the table that are not in it any more."""
        had_rows = {i for i in complete if i in self.loads and self.loads[i].rows}
        return had_rows - self.current.loads.keys()

    def state(self, snapshot_id: int, known: Mapping[int, TableState] | None = None) -> TableState:
        """Return what is in a snapshot; what is in others may be known."""
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
            # Where it is not known what the last of them stands on, that is all that was noted before.
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
        """Correct what was noted until a commit by the rows that were counted there."""
        noted = self._state_before(commit.sequence_number + 1)
        counted = self._counted[commit.snapshot_id]
        # A load without rows leaves no other trace than its note.
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
    """Return what was forgotten, by its id; an interrupted command may have noted it twice."""
    found: dict[str, Forgotten] = {}
    for note in notes:
        if isinstance(note, Forgotten):
            earlier = found.get(note.forget_id)
            rows = Counter(note.rows) + Counter(earlier.rows if earlier else {})
            found[note.forget_id] = replace(note, rows=dict(rows))
    return found

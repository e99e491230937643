"""What happened to a table, as its metadata tells it: the one place that knows how it is noted.

A load is noted in the summary of the snapshot that it commits; so is a rollback, which takes loads back
or brings them again, and what was forgotten. Whoever removes snapshots carries these notes over into a
property of the table, in the same commit, so that none is lost.
"""

import json
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import Any

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

# In the summary of every snapshot that a load commits.
LOAD_ID_PROPERTY = "obslake.load-id"
KEYS_PROPERTY = "obslake.source-keys"

# Marks keys of contents, which stand beside those of sources.
CONTENT_PREFIX = "content:"

# In the summary of a snapshot that is no load: what it is, and what it did to the loads.
OPERATION_PROPERTY = "obslake.operation"
ROLLBACK_PROPERTY = "obslake.rollback"
FORGET_PROPERTY = "obslake.forget"

# Table properties: the notes of removed snapshots. The rest of the name is new every time: who
# removes snapshots side by side cannot overwrite the notes of the other.
_CARRIED_PREFIX = "obslake.expired-loads."


@dataclass(frozen=True)
class CommittedLoad:
    """What a load has committed to one table.

    Attributes:
        load_id: the load.
        sequence_number: Iceberg sequence number of its snapshot: a place in the table's history.
        keys: keys of the sources it has read.
        rows: rows it has appended; None where an older version has not noted it.
    """

    load_id: str
    sequence_number: int
    keys: tuple[str, ...]
    rows: int | None = None


@dataclass(frozen=True)
class Forgotten:
    """Rows that were deleted from one table.

    Attributes:
        forget_id: the command that did it, the same for all tables.
        sequence_number: as of a load.
        data_set_id: data set of the rows.
        problem_id: problem of the rows; None: any.
        run_id: run of the rows; None: any.
        rows: how many rows of which load were deleted.
    """

    forget_id: str
    sequence_number: int
    data_set_id: str
    problem_id: str | None
    run_id: str | None
    rows: Mapping[str, int] = field(hash=False)

    @property
    def what(self) -> tuple[str, str | None, str | None]:
        """What was named to be forgotten."""
        return self.data_set_id, self.problem_id, self.run_id

    def describe(self) -> str:
        """Return what was forgotten, in the words of the options that name it."""
        return describe_rows(*self.what)


@dataclass(frozen=True)
class RolledBack:
    """What a rollback has done to the loads of one table, and to what was forgotten in it.

    So is noted, too, that a load was withdrawn from a table.

    Attributes:
        sequence_number: as of a load.
        to: snapshot that the table shows again; None: the table before its first, or none.
        removed: loads that are not in the table any more.
        restored: loads that are in it again.
        undone: ids of what was forgotten, and is there again.
        redone: ids of what is forgotten again.
    """

    sequence_number: int
    to: int | None
    removed: tuple[str, ...]
    restored: tuple[str, ...]
    undone: tuple[str, ...]
    redone: tuple[str, ...]


_Note = CommittedLoad | Forgotten | RolledBack


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
    notes = _notes(metadata)
    last = (until.sequence_number or 0) if until else -1
    return _replay(notes, (note for note in notes if note.sequence_number <= last))


def current_state(metadata: TableMetadata) -> TableState:
    """Return what is in a table now."""
    return state_at(metadata, metadata.current_snapshot())


def states(metadata: TableMetadata) -> Iterator[tuple[Snapshot, TableState]]:
    """Return all snapshots that are there, in the order of their commits, and what is in each."""
    notes = _notes(metadata)
    for snapshot in sorted(metadata.snapshots, key=lambda s: s.sequence_number or 0):
        last = snapshot.sequence_number or 0
        yield snapshot, _replay(notes, (n for n in notes if n.sequence_number <= last))


def committed_loads(metadata: TableMetadata) -> list[CommittedLoad]:
    """Return the loads that are in a table, in the order of their commits, expired or not."""
    return sorted(current_state(metadata).loads.values(), key=lambda load: load.sequence_number)


def loads_touched_since(metadata: TableMetadata, sequence_number: int) -> list[CommittedLoad]:
    """Return the loads that were committed, taken back or brought again after a commit of the table."""
    notes = _notes(metadata)
    loads = {note.load_id: note for note in notes if isinstance(note, CommittedLoad)}
    touched: set[str] = set()
    for note in notes:
        if note.sequence_number <= sequence_number:
            continue
        match note:
            case CommittedLoad():
                touched.add(note.load_id)
            case RolledBack():
                touched.update(note.removed, note.restored)
    return [load for load_id, load in loads.items() if load_id in touched]


def noted_loads(metadata: TableMetadata) -> dict[str, CommittedLoad]:
    """Return the loads that are in a table, and those that were rolled back."""
    return {note.load_id: note for note in _notes(metadata) if isinstance(note, CommittedLoad)}


def noted_forgotten(metadata: TableMetadata) -> dict[str, Forgotten]:
    """Return what was ever forgotten in a table, undone or not."""
    return _forgotten(_notes(metadata))


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
    return {OPERATION_PROPERTY: "rollback", ROLLBACK_PROPERTY: _compact(note)}


def withdraw_properties(load_id: str) -> dict[str, str]:
    """Return what notes in the summary of a snapshot that a load's rows were taken out of a table."""
    note = {"to": None, "removed": [load_id], "restored": [], "undone": [], "redone": []}
    return {OPERATION_PROPERTY: "withdraw", ROLLBACK_PROPERTY: _compact(note)}


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
    return {OPERATION_PROPERTY: "forget", FORGET_PROPERTY: _compact(note)}


def carry_over(
    metadata: TableMetadata, removed: Collection[Snapshot]
) -> tuple[Mapping[str, str], list[str]]:
    """Return the properties to set and to remove with some snapshots, so that no note is lost.

    What was carried over earlier is brought together with it.
    """
    earlier = _carried(metadata)
    new = list(_noted(removed))
    if not new:
        return {}, []
    notes = [_write(note) for note in _in_order([*_read(metadata, earlier), *new])]
    return {f"{_CARRIED_PREFIX}{uuid.uuid4()}": _compact(notes)}, earlier


def is_content(key: str) -> bool:
    """Tell whether a key is one of a content, not of a source."""
    return key.startswith(CONTENT_PREFIX)


def describe_rows(data_set: str, problem: str | None, run: str | None) -> str:
    """Return which rows a data set, a problem and a run name, in the words of the options."""
    parts = {"data set": data_set, "problem": problem, "run": run}
    return ", ".join(f"{name} {value!r}" for name, value in parts.items() if value is not None)


def _replay(known: Iterable[_Note], notes: Iterable[_Note]) -> TableState:
    """Return what is in a table after some notes; what comes again is found among all that are known."""
    state = TableState()
    loads = {note.load_id: note for note in known if isinstance(note, CommittedLoad)}
    forgotten = _forgotten(known)
    for note in notes:
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
                state.loads.update((i, loads[i]) for i in note.restored if i in loads)
                state.forgotten.update((i, forgotten[i]) for i in note.redone if i in forgotten)
    return state


def _forgotten(notes: Iterable[_Note]) -> dict[str, Forgotten]:
    """Return what was forgotten, by its id; an interrupted command may have noted it twice."""
    found: dict[str, Forgotten] = {}
    for note in notes:
        if isinstance(note, Forgotten):
            earlier = found.get(note.forget_id)
            rows = Counter(note.rows) + Counter(earlier.rows if earlier else {})
            found[note.forget_id] = replace(note, rows=dict(rows))
    return found


def _notes(metadata: TableMetadata) -> list[_Note]:
    return _in_order([*_read(metadata, _carried(metadata)), *_noted(metadata.snapshots)])


def _noted(snapshots: Iterable[Snapshot]) -> Iterator[_Note]:
    for snapshot in snapshots:
        summary = snapshot.summary.additional_properties if snapshot.summary else {}
        number = snapshot.sequence_number or 0
        if (load_id := summary.get(LOAD_ID_PROPERTY)) is not None:
            keys = json.loads(summary.get(KEYS_PROPERTY) or "[]")
            rows = int(summary.get("added-records") or 0)
            yield CommittedLoad(load_id, number, tuple(keys), rows)
        elif (rollback := summary.get(ROLLBACK_PROPERTY)) is not None:
            yield _rolled_back(number, json.loads(rollback))
        elif (forget := summary.get(FORGET_PROPERTY)) is not None:
            yield Forgotten(sequence_number=number, **json.loads(forget))


def _rolled_back(number: int, note: Mapping[str, Any]) -> RolledBack:
    lists = {name: tuple(value) for name, value in note.items() if name != "to"}
    return RolledBack(sequence_number=number, to=note["to"], **lists)


def _carried(metadata: TableMetadata) -> list[str]:
    return [name for name in metadata.properties if name.startswith(_CARRIED_PREFIX)]


def _write(note: _Note) -> object:
    """Return a note as it is carried over: a load, of which there are most, as a list."""
    if isinstance(note, CommittedLoad):
        return [note.sequence_number, note.load_id, note.keys, note.rows]
    kind = ROLLBACK_PROPERTY if isinstance(note, RolledBack) else FORGET_PROPERTY
    values = asdict(note)
    return [values.pop("sequence_number"), {kind: values}]


def _read(metadata: TableMetadata, names: Iterable[str]) -> Iterator[_Note]:
    for name in names:
        for number, what, *rest in json.loads(metadata.properties[name]):
            if isinstance(what, str):
                keys, *rows = rest
                yield CommittedLoad(what, number, tuple(keys), *rows)
            elif ROLLBACK_PROPERTY in what:
                yield _rolled_back(number, what[ROLLBACK_PROPERTY])
            else:
                yield Forgotten(sequence_number=number, **what[FORGET_PROPERTY])


def _in_order(notes: Iterable[_Note]) -> list[_Note]:
    # A snapshot has one note. It may be carried over twice, by two who removed it at once.
    once = {note.sequence_number: note for note in notes}
    return [once[number] for number in sorted(once)]


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))

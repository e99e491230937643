"""Which commits led to a snapshot of a table, even if earlier snapshots have been removed.

Iceberg links each snapshot to its parent. A tool that removes snapshots also removes their summaries, and
PyIceberg clears the links to them. So every commit of obslake records itself in a table property, which no tool
removes. It also records the snapshots of other tools that are not recorded yet.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

# Summary properties of every snapshot that a load commits.
LOAD_ID_PROPERTY = "obslake.load-id"
KEYS_PROPERTY = "obslake.source-keys"
ROWS_PROPERTY = "added-records"

# Summary properties of snapshots that change which rows of loads are in a table.
ROLLBACK_PROPERTY = "obslake.rollback"
FORGET_PROPERTY = "obslake.forget"

# Summary property that other tools write when they cherry-pick a snapshot.
_SOURCE_PROPERTY = "source-snapshot-id"

# Prefixes of table properties; a snapshot id follows.
_COMMIT_PREFIX = "obslake.commit."
_COUNTED_PREFIX = "obslake.counted."

# Id of a parent that is not known.
_UNKNOWN = 0


@dataclass(frozen=True)
class Commit:
    """What is known about a snapshot, whether or not it still exists.

    Attributes:
        snapshot_id: the snapshot.
        sequence_number: Iceberg sequence number: its position in the order of all commits to the table.
        parent: its parent; None: it is the first. If the parent is not known, the history is cut off here.
        note: the properties of its summary about loads; for a cherry-pick, those of its source.
    """

    snapshot_id: int
    sequence_number: int
    parent: int | None
    note: Mapping[str, str]


def commits(metadata: TableMetadata) -> dict[int, Commit]:
    """Return all known commits by snapshot id."""
    found = {}
    for name, value in metadata.properties.items():
        if name.startswith(_COMMIT_PREFIX):
            snapshot_id = int(name.removeprefix(_COMMIT_PREFIX))
            found[snapshot_id] = Commit(snapshot_id, *json.loads(value))
    return found | {commit.snapshot_id: commit for commit in _unrecorded(metadata)}


def counted_rows(metadata: TableMetadata) -> dict[int, dict[str, int]]:
    """Return the number of rows of each load, by snapshot id, for the snapshots in which they were counted."""
    return {
        int(name.removeprefix(_COUNTED_PREFIX)): json.loads(value)
        for name, value in metadata.properties.items()
        if name.startswith(_COUNTED_PREFIX)
    }


def cut_off(metadata: TableMetadata) -> list[int]:
    """Return the snapshots whose parent is not known and whose rows have not been counted."""
    there = {snapshot.snapshot_id for snapshot in metadata.snapshots}
    return [
        commit.snapshot_id
        for commit in _unrecorded(metadata)
        if commit.parent is not None
        and commit.parent not in there
        and f"{_COMMIT_PREFIX}{commit.parent}" not in metadata.properties
        and f"{_COUNTED_PREFIX}{commit.snapshot_id}" not in metadata.properties
    ]


def with_counted(
    metadata: TableMetadata, counted: Mapping[int, Mapping[str, int]]
) -> TableMetadata:
    """Return a copy of metadata with the rows counted in some snapshots, until a commit records them."""
    new = {
        f"{_COUNTED_PREFIX}{snapshot_id}": compact(rows) for snapshot_id, rows in counted.items()
    }
    return metadata.model_copy(update={"properties": {**metadata.properties, **new}})


def notes(metadata: TableMetadata, *added: Snapshot) -> dict[str, str]:
    """Return the properties that record the snapshots being added, and all others not recorded yet."""
    new = {}
    for commit in _unrecorded(metadata, added):
        value = [commit.sequence_number, commit.parent, commit.note]
        new[f"{_COMMIT_PREFIX}{commit.snapshot_id}"] = compact(value)
        counted = f"{_COUNTED_PREFIX}{commit.snapshot_id}"
        if counted in metadata.properties:
            new[counted] = metadata.properties[counted]
    return new


def _unrecorded(metadata: TableMetadata, added: Iterable[Snapshot] = ()) -> list[Commit]:
    return [
        _commit(metadata, snapshot)
        for snapshot in (*metadata.snapshots, *added)
        if f"{_COMMIT_PREFIX}{snapshot.snapshot_id}" not in metadata.properties
    ]


def _commit(metadata: TableMetadata, snapshot: Snapshot) -> Commit:
    number, parent = snapshot.sequence_number or 0, snapshot.parent_snapshot_id
    if parent is None and number > 1:
        parent = _UNKNOWN
    note = _note(snapshot)
    source = int((snapshot.summary and snapshot.summary.get(_SOURCE_PROPERTY)) or 0)
    if source and not note:
        if noted := metadata.properties.get(f"{_COMMIT_PREFIX}{source}"):
            *_, note = json.loads(noted)
        elif there := metadata.snapshot_by_id(source):
            note = _note(there)
        else:
            parent = _UNKNOWN
    return Commit(snapshot.snapshot_id, number, parent, note)


def _note(snapshot: Snapshot) -> dict[str, str]:
    summary = snapshot.summary.additional_properties if snapshot.summary else {}
    for names in (
        (LOAD_ID_PROPERTY, KEYS_PROPERTY, ROWS_PROPERTY),
        (ROLLBACK_PROPERTY,),
        (FORGET_PROPERTY,),
    ):
        if names[0] in summary:
            return {name: summary[name] for name in names if name in summary}
    return {}


def compact(value: object) -> str:
    """Return a value as JSON without spaces, the form used in summaries and properties."""
    return json.dumps(value, separators=(",", ":"))

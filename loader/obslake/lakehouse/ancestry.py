"""Which commits of a table stand behind a snapshot, also where snapshots were removed since.

Iceberg links each snapshot to its parent. A tool that removes snapshots removes their summaries, and PyIceberg
also cuts the links to them. So every commit of obslake notes itself in a property of the table, which no tool
removes. It notes the snapshots of other tools as well, if they are not noted yet.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

# In the summary of every snapshot that a load commits.
LOAD_ID_PROPERTY = "obslake.load-id"
KEYS_PROPERTY = "obslake.source-keys"
ROWS_PROPERTY = "added-records"

# In the summary of a snapshot that does something else to the loads of a table.
ROLLBACK_PROPERTY = "obslake.rollback"
FORGET_PROPERTY = "obslake.forget"

# What other tools write into the summary of a snapshot that repeats another one.
_SOURCE_PROPERTY = "source-snapshot-id"

# Table properties, each with the id of a snapshot at its end.
_COMMIT_PREFIX = "obslake.commit."
_COUNTED_PREFIX = "obslake.counted."

# Stands for a parent of which nothing is known.
_UNKNOWN = 0


@dataclass(frozen=True)
class Commit:
    """What is known of a snapshot, whether or not it is still there.

    Attributes:
        snapshot_id: the snapshot.
        sequence_number: Iceberg sequence number: a place in the order of all commits to the table.
        parent: snapshot that it stands on; None: it is the first; one that is not known: it is cut off.
        note: what its summary says about loads; of a cherry-pick, what the summary of its source says.
    """

    snapshot_id: int
    sequence_number: int
    parent: int | None
    note: Mapping[str, str]


def commits(metadata: TableMetadata) -> dict[int, Commit]:
    """Return all commits that are known, by their snapshots."""
    found = {}
    for name, value in metadata.properties.items():
        if name.startswith(_COMMIT_PREFIX):
            snapshot_id = int(name.removeprefix(_COMMIT_PREFIX))
            found[snapshot_id] = Commit(snapshot_id, *json.loads(value))
    return found | {commit.snapshot_id: commit for commit in _unnoted(metadata)}


def counted_rows(metadata: TableMetadata) -> dict[int, dict[str, int]]:
    """Return the rows of each load in the snapshots where they were counted, by the snapshots."""
    return {
        int(name.removeprefix(_COUNTED_PREFIX)): json.loads(value)
        for name, value in metadata.properties.items()
        if name.startswith(_COUNTED_PREFIX)
    }


def cut_off(metadata: TableMetadata) -> list[int]:
    """Return the snapshots of which it is not known what they stand on, and whose rows were not counted."""
    there = {snapshot.snapshot_id for snapshot in metadata.snapshots}
    return [
        commit.snapshot_id
        for commit in _unnoted(metadata)
        if commit.parent is not None
        and commit.parent not in there
        and f"{_COMMIT_PREFIX}{commit.parent}" not in metadata.properties
        and f"{_COUNTED_PREFIX}{commit.snapshot_id}" not in metadata.properties
    ]


def with_counted(
    metadata: TableMetadata, counted: Mapping[int, Mapping[str, int]]
) -> TableMetadata:
    """Return metadata that says how many rows of each load are in some snapshots.

    Only this copy does, until a commit notes it.
    """
    new = {
        f"{_COUNTED_PREFIX}{snapshot_id}": compact(rows) for snapshot_id, rows in counted.items()
    }
    return metadata.model_copy(update={"properties": {**metadata.properties, **new}})


def notes(metadata: TableMetadata, *added: Snapshot) -> dict[str, str]:
    """Return the properties that note snapshots which are being added, and all that are not noted yet."""
    new = {}
    for commit in _unnoted(metadata, added):
        value = [commit.sequence_number, commit.parent, commit.note]
        new[f"{_COMMIT_PREFIX}{commit.snapshot_id}"] = compact(value)
        counted = f"{_COUNTED_PREFIX}{commit.snapshot_id}"
        if counted in metadata.properties:
            new[counted] = metadata.properties[counted]
    return new


def _unnoted(metadata: TableMetadata, added: Iterable[Snapshot] = ()) -> list[Commit]:
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
    for what in (
        (LOAD_ID_PROPERTY, KEYS_PROPERTY, ROWS_PROPERTY),
        (ROLLBACK_PROPERTY,),
        (FORGET_PROPERTY,),
    ):
        if what[0] in summary:
            return {name: summary[name] for name in what if name in summary}
    return {}


def compact(value: object) -> str:
    """Return a value as JSON without spaces, as summaries and properties have it."""
    return json.dumps(value, separators=(",", ":"))

"""Which loads a table has, as its metadata tells it: the one place that knows where they are noted.

A load is noted in the summary of the snapshot that it commits. Whoever removes snapshots carries
these notes over into a property of the table, in the same commit, so that no load is forgotten.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

# In the summary of every snapshot that a load commits.
LOAD_ID_PROPERTY = "obslake.load-id"
KEYS_PROPERTY = "obslake.source-keys"

# In the summary of a snapshot that is no load: what it is.
OPERATION_PROPERTY = "obslake.operation"

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
    """

    load_id: str
    sequence_number: int
    keys: tuple[str, ...]


def committed_loads(metadata: TableMetadata) -> list[CommittedLoad]:
    """Return the loads of a table, in the order of their commits, expired or not."""
    return _in_order({*_read(metadata, _carried(metadata)), *_noted(metadata.snapshots)})


def load_ids(metadata: TableMetadata, until: Snapshot | None) -> set[str]:
    """Return the loads that are in a table's snapshot."""
    if until is None:
        return set()
    last = until.sequence_number or 0
    return {load.load_id for load in committed_loads(metadata) if load.sequence_number <= last}


def carry_over(
    metadata: TableMetadata, removed: Collection[Snapshot]
) -> tuple[Mapping[str, str], list[str]]:
    """Return the properties to set and to remove with some snapshots, so that no load is forgotten.

    What was carried over earlier is brought together with it.
    """
    earlier = _carried(metadata)
    new = set(_noted(removed))
    if not new:
        return {}, []
    loads = _in_order(new.union(_read(metadata, earlier)))
    notes = [[load.sequence_number, load.load_id, load.keys] for load in loads]
    return {f"{_CARRIED_PREFIX}{uuid.uuid4()}": json.dumps(notes, separators=(",", ":"))}, earlier


def _noted(snapshots: Iterable[Snapshot]) -> Iterable[CommittedLoad]:
    for snapshot in snapshots:
        summary = snapshot.summary.additional_properties if snapshot.summary else {}
        if (load_id := summary.get(LOAD_ID_PROPERTY)) is not None:
            keys = json.loads(summary.get(KEYS_PROPERTY) or "[]")
            yield CommittedLoad(load_id, snapshot.sequence_number or 0, tuple(keys))


def _carried(metadata: TableMetadata) -> list[str]:
    return [name for name in metadata.properties if name.startswith(_CARRIED_PREFIX)]


def _read(metadata: TableMetadata, names: Iterable[str]) -> Iterable[CommittedLoad]:
    for name in names:
        for sequence_number, load_id, keys in json.loads(metadata.properties[name]):
            yield CommittedLoad(load_id, sequence_number, tuple(keys))


def _in_order(loads: Iterable[CommittedLoad]) -> list[CommittedLoad]:
    return sorted(loads, key=lambda load: load.sequence_number)

"""What can happen to the rows of a table: loads, what was forgotten, and rollbacks; and how it is noted."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyiceberg.table.metadata import TableMetadata

from obslake.lakehouse.ancestry import (
    FORGET_PROPERTY,
    KEYS_PROPERTY,
    LOAD_ID_PROPERTY,
    ROLLBACK_PROPERTY,
    ROWS_PROPERTY,
)

# Marks keys of contents, which stand beside those of sources.
CONTENT_PREFIX = "content:"

# Table properties in which earlier versions kept the notes of snapshots that they removed.
_CARRIED_PREFIX = "obslake.expired-loads."


@dataclass(frozen=True)
class CommittedLoad:
    """What a load has committed to one table.

    Attributes:
        load_id: the load.
        sequence_number: Iceberg sequence number of its snapshot: a place in the table's history.
        keys: keys of the sources it has read; none where the load is known by its rows only.
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

    So is noted, too, that rows of loads were dropped from a table.

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


Event = CommittedLoad | Forgotten | RolledBack


def is_content(key: str) -> bool:
    """Tell whether a key is one of a content, not of a source."""
    return key.startswith(CONTENT_PREFIX)


def describe_rows(data_set: str, problem: str | None, run: str | None) -> str:
    """Return which rows a data set, a problem and a run name, in the words of the options."""
    parts = {"data set": data_set, "problem": problem, "run": run}
    return ", ".join(f"{name} {value!r}" for name, value in parts.items() if value is not None)


def read_event(number: int, note: Mapping[str, str]) -> Event | None:
    """Return what the summary of a snapshot with a sequence number says; None: nothing of loads."""
    if (load_id := note.get(LOAD_ID_PROPERTY)) is not None:
        keys = json.loads(note.get(KEYS_PROPERTY) or "[]")
        return CommittedLoad(load_id, number, tuple(keys), int(note.get(ROWS_PROPERTY) or 0))
    if (rollback := note.get(ROLLBACK_PROPERTY)) is not None:
        return _rolled_back(number, json.loads(rollback))
    if (forget := note.get(FORGET_PROPERTY)) is not None:
        return Forgotten(sequence_number=number, **json.loads(forget))
    return None


def _rolled_back(number: int, note: Mapping[str, Any]) -> RolledBack:
    lists = {name: tuple(value) for name, value in note.items() if name != "to"}
    return RolledBack(sequence_number=number, to=note["to"], **lists)


def carried_events(metadata: TableMetadata) -> Iterator[Event]:
    """Return what earlier versions have noted of snapshots that they removed."""
    for name, value in metadata.properties.items():
        if not name.startswith(_CARRIED_PREFIX):
            continue
        for number, what, *rest in json.loads(value):
            if isinstance(what, str):
                keys, *rows = rest
                yield CommittedLoad(what, number, tuple(keys), *rows)
            elif ROLLBACK_PROPERTY in what:
                yield _rolled_back(number, what[ROLLBACK_PROPERTY])
            else:
                yield Forgotten(sequence_number=number, **what[FORGET_PROPERTY])

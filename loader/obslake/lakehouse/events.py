"""The events in the history of a table (loads, deletions, rollbacks), and how snapshots record them."""

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

# Prefix of the keys of contents, which are recorded together with the keys of sources.
CONTENT_PREFIX = "content:"

# Prefix of the table properties in which earlier versions kept the events of the snapshots they removed.
_CARRIED_PREFIX = "obslake.expired-loads."


@dataclass(frozen=True)
class CommittedLoad:
    """The commit of a load to one table.

    Attributes:
        load_id: the load.
        sequence_number: Iceberg sequence number of its snapshot: its position in the table's history.
        keys: keys of the sources it has read; none if the load is known by its rows only.
        rows: number of rows it has appended; None: an earlier version did not record it.
    """

    load_id: str
    sequence_number: int
    keys: tuple[str, ...]
    rows: int | None = None


@dataclass(frozen=True)
class Forgotten:
    """A deletion of rows from one table by `obslake forget`.

    Attributes:
        forget_id: id of the command, the same in all tables.
        sequence_number: Iceberg sequence number of its snapshot.
        data_set_id: data set of the rows.
        problem_id: problem of the rows; None: any.
        run_id: run of the rows; None: any.
        rows: number of deleted rows, by load.
    """

    forget_id: str
    sequence_number: int
    data_set_id: str
    problem_id: str | None
    run_id: str | None
    rows: Mapping[str, int] = field(hash=False)

    @property
    def what(self) -> tuple[str, str | None, str | None]:
        """Data set, problem and run whose rows were deleted."""
        return self.data_set_id, self.problem_id, self.run_id

    def describe(self) -> str:
        """Return which rows were deleted, in the words of the command's options."""
        return describe_rows(*self.what)


@dataclass(frozen=True)
class RolledBack:
    """The effect of a rollback on one table; also records loads whose rows compaction has dropped.

    Attributes:
        sequence_number: Iceberg sequence number of its snapshot.
        to: snapshot whose rows the table has again; None: the empty table, or the event is not a rollback.
        removed: loads that are no longer in the table.
        restored: loads that are in the table again.
        undone: ids of the deletions that were undone.
        redone: ids of the deletions that are in effect again.
    """

    sequence_number: int
    to: int | None
    removed: tuple[str, ...]
    restored: tuple[str, ...]
    undone: tuple[str, ...]
    redone: tuple[str, ...]


Event = CommittedLoad | Forgotten | RolledBack


def is_content(key: str) -> bool:
    """Whether a key is that of a content, not of a source."""
    return key.startswith(CONTENT_PREFIX)


def describe_rows(data_set: str, problem: str | None, run: str | None) -> str:
    """Return a data set, a problem and a run as text, in the words of the options."""
    parts = {"data set": data_set, "problem": problem, "run": run}
    return ", ".join(f"{name} {value!r}" for name, value in parts.items() if value is not None)


def read_event(number: int, note: Mapping[str, str]) -> Event | None:
    """Return the event recorded in the summary of a snapshot; None: the summary has none."""
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
    """Return the events that earlier versions recorded for the snapshots they removed."""
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

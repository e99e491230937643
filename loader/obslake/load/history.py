"""Which sources are loaded already, as the metadata of the tables tells it."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.ledger import (
    CONTENT_PREFIX,
    committed_loads,
    current_state,
    is_content,
    noted_loads,
)
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS
from obslake.load.sources.base import Options, Reader
from obslake.load.sources.files import SourceFile


@dataclass
class History:
    """What earlier loads have committed.

    Attributes:
        complete: source key to the load that has committed its observations.
        contents: content key to the load that has committed observations of the content.
        started: source key to the load that has committed anything of it.
        loads: table name to the loads whose rows it has.
        partly_forgotten: loads of which rows were forgotten since.
        emptied: loads of which all observations were forgotten.
        ended: loads that have committed observations, rolled back or not: they are not continued.
        unfinished: loads that have committed something, and no observations, to the keys of their sources.
        sequence_number: of the commit of observations up to which this was read.
    """

    complete: dict[str, str]
    contents: dict[str, str]
    started: dict[str, str]
    loads: dict[str, set[str]]
    ended: set[str]
    partly_forgotten: set[str]
    emptied: set[str]
    unfinished: dict[str, set[str]]
    sequence_number: int

    @classmethod
    def empty(cls) -> "History":
        """Return the history of a lakehouse that is not there yet."""
        return cls({}, {}, {}, {}, set(), set(), set(), {}, 0)

    @classmethod
    def read(cls, lakehouse: Lakehouse) -> "History":
        """Read the metadata of all tables."""
        complete: dict[str, str] = {}
        started: dict[str, str] = {}
        loads: dict[str, set[str]] = {}
        ended: set[str] = set()
        forgotten: set[str] = set()
        emptied: set[str] = set()
        begun: dict[str, set[str]] = {}
        # The observations are the last of them: what they do not have is not complete.
        for definition in ALL_TABLES:
            keys = complete if definition is OBSERVATIONS else started
            metadata = lakehouse.table(definition).metadata
            committed = committed_loads(metadata)
            loads[definition.name] = {load.load_id for load in committed}
            keys.update({key: load.load_id for load in committed for key in load.keys})
            begun.update({load.load_id: set(load.keys) for load in committed})
            state = current_state(metadata)
            for note in state.forgotten.values():
                forgotten.update(note.rows)
            if definition is OBSERVATIONS:
                ended = set(noted_loads(metadata))
                emptied = {
                    i for i, load in state.loads.items() if state.rows(load) == 0
                } & forgotten
        unfinished = {load_id: keys for load_id, keys in begun.items() if load_id not in ended}
        number = max((s.sequence_number or 0 for s in metadata.snapshots), default=0)
        contents = {key: complete.pop(key) for key in list(complete) if is_content(key)}
        started = {key: load_id for key, load_id in started.items() if not is_content(key)}
        return cls(
            complete=complete,
            contents=contents,
            started=started,
            loads=loads,
            ended=ended,
            partly_forgotten=forgotten,
            emptied=emptied,
            unfinished=unfinished,
            sequence_number=number,
        )

    def interrupted(self, keys: Collection[str]) -> str | None:
        """Return the load that began with exactly these sources and was not completed."""
        begun = {key: load for key, load in self.started.items() if load not in self.ended}
        loads = {begun.get(key) for key in keys}
        (load_id,) = loads if len(loads) == 1 else (None,)
        same = {key for key, load in begun.items() if load == load_id}
        return load_id if same == set(keys) else None

    def superseded(self) -> list[str]:
        """Return the unfinished loads of which others have completed sources: they cannot be completed."""
        done = self.complete.keys() | self.contents.keys()
        return sorted(i for i, keys in self.unfinished.items() if keys & done)


def source_key(file: SourceFile, reader: Reader, options: Options) -> str:
    """Identify a source by its content and by what decides the rows that come of it."""
    identity = json.dumps(
        [file.sha256, reader.name, reader.identity(file, options)], sort_keys=True
    )
    return sha256(identity.encode()).hexdigest()


def content_key(file: SourceFile, reader: Reader, options: Options) -> str | None:
    """Identify the content of a source in its context, whatever it is taken to mean; None: it has one meaning."""
    context = reader.context(file, options)
    if context is None:
        return None
    identity = json.dumps(["content", file.sha256, reader.name, context], sort_keys=True)
    return CONTENT_PREFIX + sha256(identity.encode()).hexdigest()


def retry_key(load_id: str) -> str:
    """Identify what a load has set aside, as a source of the load that reads it after all."""
    return sha256(json.dumps(["quarantine", load_id]).encode()).hexdigest()

"""Which sources are loaded already, as the metadata of the tables tells it."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from obslake.lakehouse import Lakehouse
from obslake.ledger import committed_loads, current_state, noted_loads
from obslake.schemas import ALL_TABLES, OBSERVATIONS
from obslake.sources.base import Options, Reader
from obslake.sources.files import SourceFile


@dataclass
class History:
    """What earlier loads have committed.

    Attributes:
        complete: source key to the load that has committed its observations.
        started: source key to the load that has committed anything of it.
        loads: table name to the loads whose rows it has.
        partly_forgotten: loads of which rows were forgotten since.
        ended: loads that have committed observations, rolled back or not: they are not continued.
        unfinished: loads that have committed something, and no observations, to the keys of their sources.
        sequence_number: of the commit of observations up to which this was read.
    """

    complete: dict[str, str]
    started: dict[str, str]
    loads: dict[str, set[str]]
    ended: set[str]
    partly_forgotten: set[str]
    unfinished: dict[str, set[str]]
    sequence_number: int

    @classmethod
    def read(cls, lakehouse: Lakehouse) -> "History":
        """Read the metadata of all tables."""
        complete: dict[str, str] = {}
        started: dict[str, str] = {}
        loads: dict[str, set[str]] = {}
        ended: set[str] = set()
        forgotten: set[str] = set()
        begun: dict[str, set[str]] = {}
        # The observations are the last of them: what they do not have is not complete.
        for definition in ALL_TABLES:
            keys = complete if definition is OBSERVATIONS else started
            metadata = lakehouse.table(definition).metadata
            committed = committed_loads(metadata)
            loads[definition.name] = {load.load_id for load in committed}
            keys.update({key: load.load_id for load in committed for key in load.keys})
            begun.update({load.load_id: set(load.keys) for load in committed})
            for note in current_state(metadata).forgotten.values():
                forgotten.update(note.rows)
            if definition is OBSERVATIONS:
                ended = set(noted_loads(metadata))
        unfinished = {load_id: keys for load_id, keys in begun.items() if load_id not in ended}
        number = max((s.sequence_number or 0 for s in metadata.snapshots), default=0)
        return cls(complete, started, loads, ended, forgotten, unfinished, number)

    def interrupted(self, keys: Collection[str]) -> str | None:
        """Return the load that began with exactly these sources and was not completed."""
        begun = {key: load for key, load in self.started.items() if load not in self.ended}
        loads = {begun.get(key) for key in keys}
        (load_id,) = loads if len(loads) == 1 else (None,)
        same = {key for key, load in begun.items() if load == load_id}
        return load_id if same == set(keys) else None

    def superseded(self) -> list[str]:
        """Return the unfinished loads of which others have completed sources: they cannot be completed."""
        return sorted(i for i, keys in self.unfinished.items() if keys & self.complete.keys())


def source_key(file: SourceFile, reader: Reader, options: Options) -> str:
    """Identify a source by its content and by what decides the rows that come of it."""
    identity = json.dumps(
        [file.sha256, reader.name, reader.identity(file, options)], sort_keys=True
    )
    return sha256(identity.encode()).hexdigest()


def retry_key(load_id: str) -> str:
    """Identify what a load has set aside, as a source of the load that reads it after all."""
    return sha256(json.dumps(["quarantine", load_id]).encode()).hexdigest()

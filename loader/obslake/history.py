"""Which sources are loaded already, as the metadata of the tables tells it."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from obslake.lakehouse import Lakehouse
from obslake.ledger import committed_loads
from obslake.schemas import OBSERVATIONS, TABLES
from obslake.sources.base import Options, Reader
from obslake.sources.files import SourceFile


@dataclass
class History:
    """What earlier loads have committed.

    Attributes:
        complete: source key to the load that has committed its observations.
        started: source key to the load that has committed anything of it.
        loads: table name to the loads that have committed to it.
    """

    complete: dict[str, str]
    started: dict[str, str]
    loads: dict[str, set[str]]

    @classmethod
    def read(cls, lakehouse: Lakehouse) -> "History":
        """Read the metadata of all tables."""
        complete: dict[str, str] = {}
        started: dict[str, str] = {}
        loads: dict[str, set[str]] = {}
        for definition in TABLES:
            keys = complete if definition is OBSERVATIONS else started
            committed = committed_loads(lakehouse.table(definition).metadata)
            loads[definition.name] = {load.load_id for load in committed}
            keys.update({key: load.load_id for load in committed for key in load.keys})
        return cls(complete, started, loads)

    def interrupted(self, keys: Collection[str]) -> str | None:
        """Return the load that began with exactly these sources and was not completed."""
        loads = {self.started.get(key) for key in keys}
        (load_id,) = loads if len(loads) == 1 else (None,)
        same = {key for key, started in self.started.items() if started == load_id}
        return load_id if same == set(keys) else None


def source_key(file: SourceFile, reader: Reader, options: Options) -> str:
    """Identify a source by its content and by what decides the rows that come of it."""
    identity = json.dumps(
        [file.sha256, reader.name, reader.identity(file, options)], sort_keys=True
    )
    return sha256(identity.encode()).hexdigest()

"""Which sources are loaded already, as the snapshots of the tables tell it."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from obslake.lakehouse import LOAD_ID_PROPERTY, Lakehouse
from obslake.schemas import OBSERVATIONS, TABLES
from obslake.sources.base import Options, Reader
from obslake.sources.files import SourceFile

KEYS_PROPERTY = "obslake.source-keys"


@dataclass
class History:
    """What earlier loads have committed, read from the snapshots.

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
        """Read the summaries of all snapshots."""
        complete: dict[str, str] = {}
        started: dict[str, str] = {}
        loads: dict[str, set[str]] = {}
        for definition in TABLES:
            keys = complete if definition is OBSERVATIONS else started
            loads[definition.name] = set()
            for snapshot in lakehouse.table(definition).metadata.snapshots:
                summary = snapshot.summary.additional_properties if snapshot.summary else {}
                load_id = summary.get(LOAD_ID_PROPERTY)
                if load_id is None:
                    continue
                loads[definition.name].add(load_id)
                for key in json.loads(summary.get(KEYS_PROPERTY) or "[]"):
                    keys[key] = load_id
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

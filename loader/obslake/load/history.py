"""Which sources are loaded already, as the metadata of the tables tells it."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.events import CONTENT_PREFIX, is_content
from obslake.lakehouse.ledger import Ledger, Moment
from obslake.lakehouse.schemas import ALL_TABLES
from obslake.load.sources.base import Options, Reader
from obslake.load.sources.files import SourceFile


@dataclass
class History:
    """What earlier loads have committed.

    Attributes:
        complete: source key to the load that has committed its observations.
        contents: content key to the load that has committed observations of the content.
        loads: table name to the loads whose rows it has.
        partly_forgotten: loads of which rows were forgotten since.
        emptied: loads of which all observations were forgotten.
        ended: loads that have committed observations, rolled back or not: they are not continued.
        unfinished: loads that have committed something, and no observations, to the keys of their sources.
        moment: what observations were when this was read.
        keyless: loads that are known by their rows only: their sources are not recognised.
        lost: table name to the complete loads whose rows another tool has taken out of it.
    """

    complete: dict[str, str]
    contents: dict[str, str]
    loads: dict[str, set[str]]
    ended: set[str]
    partly_forgotten: set[str]
    emptied: set[str]
    unfinished: dict[str, set[str]]
    moment: Moment
    keyless: set[str]
    lost: dict[str, set[str]]

    @classmethod
    def empty(cls) -> "History":
        """Return the history of a lakehouse that is not there yet."""
        return cls({}, {}, {}, set(), set(), set(), {}, Moment(), set(), {})

    @classmethod
    def read(cls, lakehouse: Lakehouse) -> "History":
        """Read the metadata of all tables."""
        loads: dict[str, set[str]] = {}
        keys: dict[str, set[str]] = {}
        forgotten: set[str] = set()
        # The observations are the last of them: what they do not have is not complete.
        tables = {d.name: Ledger(lakehouse.table(d).metadata) for d in ALL_TABLES}
        for name, table in tables.items():
            state = table.current
            loads[name] = set(state.loads)
            for load in state.loads.values():
                # Each table notes the same keys. Where another tool has removed those of one, others have them.
                keys.setdefault(load.load_id, set()).update(load.keys)
            for note in state.forgotten.values():
                forgotten.update(note.rows)
        known = {key: load_id for load_id in state.loads for key in keys[load_id]}
        ended = set(table.loads)
        return cls(
            complete={key: i for key, i in known.items() if not is_content(key)},
            contents={key: i for key, i in known.items() if is_content(key)},
            loads=loads,
            ended=ended,
            partly_forgotten=forgotten,
            emptied={i for i, load in state.loads.items() if state.rows(load) == 0} & forgotten,
            unfinished={i: its for i, its in keys.items() if i not in ended},
            moment=table.moment,
            keyless={i for i, its in keys.items() if not its},
            lost={n: lost for n, t in tables.items() if (lost := t.lost(state.loads))},
        )

    def interrupted(self, keys: Collection[str]) -> str | None:
        """Return the load that began with exactly these sources, if it can still be completed."""
        done = self.complete.keys() | self.contents.keys()
        begun = (
            load_id
            for load_id, its in self.unfinished.items()
            if {key for key in its if not is_content(key)} == set(keys) and not its & done
        )
        return max(begun, default=None)


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

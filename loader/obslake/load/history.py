"""Which sources have been loaded already, according to the metadata of the tables."""

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
    """The commits of earlier loads.

    Attributes:
        complete: maps source keys to the load that has committed the source's observations.
        contents: maps content keys to the load that has committed the content's observations.
        loads: maps table names to the loads whose rows the table has.
        partly_forgotten: loads of which some rows were deleted by `obslake forget`.
        emptied: loads of which all observations were deleted by `obslake forget`.
        finished: loads that have committed observations, rolled back or not: they are not continued.
        unfinished: maps loads that have committed to other tables only to the keys of their sources.
        moment: state of the table observations when this was read.
        keyless: loads that are known by their rows only, so their sources cannot be recognised.
        lost: maps table names to the complete loads whose rows another tool has removed from the table.
    """

    complete: dict[str, str]
    contents: dict[str, str]
    loads: dict[str, set[str]]
    finished: set[str]
    partly_forgotten: set[str]
    emptied: set[str]
    unfinished: dict[str, set[str]]
    moment: Moment
    keyless: set[str]
    lost: dict[str, set[str]]

    @classmethod
    def empty(cls) -> "History":
        """Return the history of a lakehouse that does not exist yet."""
        return cls({}, {}, {}, set(), set(), set(), {}, Moment(), set(), {})

    @classmethod
    def read(cls, lakehouse: Lakehouse) -> "History":
        """Read the metadata of all tables."""
        loads: dict[str, set[str]] = {}
        keys: dict[str, set[str]] = {}
        forgotten: set[str] = set()
        # Observations are the last table: a load is complete only if they have it.
        tables = {d.name: Ledger(lakehouse.table(d).metadata) for d in ALL_TABLES}
        for name, table in tables.items():
            state = table.current
            loads[name] = set(state.loads)
            for load in state.loads.values():
                # Each table records the same keys, so if another tool has removed those of one, others have them.
                keys.setdefault(load.load_id, set()).update(load.keys)
            for note in state.forgotten.values():
                forgotten.update(note.rows)
        known = {key: load_id for load_id in state.loads for key in keys[load_id]}
        finished = set(table.loads)
        return cls(
            complete={key: i for key, i in known.items() if not is_content(key)},
            contents={key: i for key, i in known.items() if is_content(key)},
            loads=loads,
            finished=finished,
            partly_forgotten=forgotten,
            emptied={i for i, load in state.loads.items() if state.rows(load) == 0} & forgotten,
            unfinished={i: its for i, its in keys.items() if i not in finished},
            moment=table.moment,
            keyless={i for i, its in keys.items() if not its},
            lost={n: lost for n, t in tables.items() if (lost := t.lost(state.loads))},
        )

    def interrupted(self, keys: Collection[str]) -> str | None:
        """Return the unfinished load of exactly these sources, if it can still be completed."""
        done = self.complete.keys() | self.contents.keys()
        begun = (
            load_id
            for load_id, its in self.unfinished.items()
            if {key for key in its if not is_content(key)} == set(keys) and not its & done
        )
        return max(begun, default=None)


def source_key(file: SourceFile, reader: Reader, options: Options) -> str:
    """Identify a source by its content, its reader, and the options that change its rows."""
    identity = json.dumps(
        [file.sha256, reader.name, reader.identity(file, options)], sort_keys=True
    )
    return sha256(identity.encode()).hexdigest()


def content_key(file: SourceFile, reader: Reader, options: Options) -> str | None:
    """Identify a source's content in its context, whatever options say it means; None: no option does."""
    context = reader.context(file, options)
    if context is None:
        return None
    identity = json.dumps(["content", file.sha256, reader.name, context], sort_keys=True)
    return CONTENT_PREFIX + sha256(identity.encode()).hexdigest()


def retry_key(load_id: str) -> str:
    """Return the source key of a retry of the records that a load has set aside."""
    return sha256(json.dumps(["quarantine", load_id]).encode()).hexdigest()

"""A load's claim to its sources, beside other loads of the same: which of them goes first."""

import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

from pyiceberg.table.metadata import TableMetadata

from obslake.lakehouse.ancestry import LOAD_ID_PROPERTY
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.commits import NotYetError
from obslake.lakehouse.events import CommittedLoad
from obslake.lakehouse.ledger import committed_loads, loads_touched_since, noted_loads
from obslake.lakehouse.schemas import OBSERVATIONS, TableDefinition
from obslake.load.history import History

# From its first commit to its last, a load takes moments. After as long it is taken to be interrupted.
_PATIENCE_SECONDS = 30.0


class LoadedMeanwhileError(Exception):
    """Others have completed sources of a load, or this load itself, since its history was read."""


class AlreadyCommittedError(Exception):
    """Another process that completes the same load has committed its rows to this table."""


class Claim:
    """Looks for other loads of the same sources whenever a load tries to commit.

    The observations decide: who commits them first has loaded the source. In the other tables it is
    a matter of courtesy, so that the later load has seldom anything to take back: who committed
    first there is let go first. All loads go through the tables in one order, so that no two wait
    for each other.
    """

    def __init__(
        self, lakehouse: Lakehouse, history: History, load_id: str, keys: Collection[str]
    ) -> None:
        """Claim the sources with these keys for a load, as of what is known of earlier ones."""
        self._lakehouse = lakehouse
        self._since = history.moment
        self._load_id = load_id
        self._keys = set(keys)
        self._wait_until: float | None = None
        unfinished = (i for i, its in history.unfinished.items() if its & self._keys)
        self._met = set(unfinished) - {load_id}

    @property
    def has_met_others(self) -> bool:
        """Whether there were other loads that had begun with some of the sources."""
        return bool(self._met)

    def check(self, definition: TableDefinition, metadata: TableMetadata) -> None:
        """Look whether the load may commit to a table, the newest metadata of which is given.

        Raises:
            LoadedMeanwhileError: it must not: it would load a source a second time.
            AlreadyCommittedError: it has been done.
            NotYetError: another load is about to complete.
        """
        if definition is OBSERVATIONS:
            self._check_observations(metadata)
            return
        committed = {load.load_id: load for load in committed_loads(metadata)}
        if self._load_id in committed:
            raise AlreadyCommittedError
        others = self._of_same_sources(committed.values())
        if not others:
            return
        observations = self._lakehouse.table(OBSERVATIONS).metadata
        self._check_observations(observations)
        begun = {load.load_id for load in others} - noted_loads(observations).keys()
        self._met |= begun
        if any(_is_recent(metadata, load_id) for load_id in begun) and self._is_patient():
            raise NotYetError

    def _check_observations(self, metadata: TableMetadata) -> None:
        # What is there now was known, or came since; what came since may have been taken back.
        touched = loads_touched_since(metadata, self._since)
        if self._of_same_sources(touched) or self._load_id in {load.load_id for load in touched}:
            raise LoadedMeanwhileError

    def _of_same_sources(self, loads: Iterable[CommittedLoad]) -> list[CommittedLoad]:
        return [
            load for load in loads if load.load_id != self._load_id and self._keys & set(load.keys)
        ]

    def _is_patient(self) -> bool:
        """Whether to wait any longer, which counts from the first time that this was asked."""
        now = time.monotonic()
        if self._wait_until is None:
            self._wait_until = now + _PATIENCE_SECONDS
        return now < self._wait_until


def _is_recent(metadata: TableMetadata, load_id: str) -> bool:
    """Whether a load has committed to a table so lately that it is likely to go on."""
    for snapshot in metadata.snapshots:
        if snapshot.summary and snapshot.summary.get(LOAD_ID_PROPERTY) == load_id:
            committed = datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
            return datetime.now(UTC) - committed < timedelta(seconds=_PATIENCE_SECONDS)
    return False

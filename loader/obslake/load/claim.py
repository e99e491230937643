"""A load's claim to its sources, beside other loads of the same: which of them has loaded them."""

from collections.abc import Collection, Iterable

from pyiceberg.table.metadata import TableMetadata

from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.events import CommittedLoad
from obslake.lakehouse.ledger import Ledger, committed_loads
from obslake.lakehouse.schemas import OBSERVATIONS, TableDefinition
from obslake.load.history import History


class LoadedMeanwhileError(Exception):
    """Others have completed sources of a load, or this load itself, since its history was read."""


class AlreadyCommittedError(Exception):
    """Another process that completes the same load has committed its rows to this table."""


class Claim:
    """Looks for other loads of the same sources whenever a load tries to commit.

    The observations decide: the load that commits them first has loaded the source. Rows of the others
    in other tables are never shown, and dropped by the next compaction.
    """

    def __init__(
        self, lakehouse: Lakehouse, history: History, load_id: str, keys: Collection[str]
    ) -> None:
        """Claim the sources with these keys for a load, as of what is known of earlier ones."""
        self._lakehouse = lakehouse
        self._since = history.moment
        self._load_id = load_id
        self._keys = set(keys)

    def check(self, definition: TableDefinition, metadata: TableMetadata) -> None:
        """Look whether the load may commit to a table, the newest metadata of which is given.

        Raises:
            LoadedMeanwhileError: it must not: it would load a source a second time.
            AlreadyCommittedError: it has been done.
        """
        if definition is OBSERVATIONS:
            self._check_observations(metadata)
            return
        committed = committed_loads(metadata)
        if any(load.load_id == self._load_id for load in committed):
            raise AlreadyCommittedError
        # Where it has lost already, it leaves no more rows than it has to.
        if self._has_same_sources(committed):
            self._check_observations(self._lakehouse.table(OBSERVATIONS).metadata)

    def _check_observations(self, metadata: TableMetadata) -> None:
        # What is there now was known, or came since; what came since may have been taken back.
        touched = Ledger(metadata).touched_since(self._since)
        if self._has_same_sources(touched) or self._load_id in {load.load_id for load in touched}:
            raise LoadedMeanwhileError

    def _has_same_sources(self, loads: Iterable[CommittedLoad]) -> bool:
        return any(load.load_id != self._load_id and self._keys & set(load.keys) for load in loads)

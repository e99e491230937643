"""A load's claim to its sources: of concurrent loads of the same source, only one may complete."""

from collections.abc import Collection, Iterable

from pyiceberg.table.metadata import TableMetadata

from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.events import CommittedLoad
from obslake.lakehouse.ledger import Ledger, committed_loads
from obslake.lakehouse.schemas import OBSERVATIONS, TableDefinition
from obslake.load.history import History


class LoadedMeanwhileError(Exception):
    """Another process has completed sources of a load, or the load itself, since its history was read."""


class AlreadyCommittedError(Exception):
    """Another process with the same load has committed its rows to this table."""


class Claim:
    """Checks for other loads of the same sources before each commit of a load.

    The load that first commits its observations has loaded the source. Rows that the others have committed to
    other tables are never visible, and the next compaction drops them.
    """

    def __init__(
        self, lakehouse: Lakehouse, history: History, load_id: str, keys: Collection[str]
    ) -> None:
        """Claim the sources with these keys for a load, given the history of earlier loads."""
        self._lakehouse = lakehouse
        self._since = history.moment
        self._load_id = load_id
        self._keys = set(keys)

    def check(self, definition: TableDefinition, metadata: TableMetadata) -> None:
        """Check whether the load may commit to a table with this newest metadata.

        Raises:
            LoadedMeanwhileError: the commit would load a source a second time.
            AlreadyCommittedError: the load's rows have already been committed.
        """
        if definition is OBSERVATIONS:
            self._check_observations(metadata)
            return
        committed = committed_loads(metadata)
        if any(load.load_id == self._load_id for load in committed):
            raise AlreadyCommittedError
        # A load that has lost its sources should not leave more hidden rows.
        if self._has_same_sources(committed):
            self._check_observations(self._lakehouse.table(OBSERVATIONS).metadata)

    def _check_observations(self, metadata: TableMetadata) -> None:
        # Also loads that were committed since and rolled back again.
        touched = Ledger(metadata).touched_since(self._since)
        if self._has_same_sources(touched) or self._load_id in {load.load_id for load in touched}:
            raise LoadedMeanwhileError

    def _has_same_sources(self, loads: Iterable[CommittedLoad]) -> bool:
        return any(load.load_id != self._load_id and self._keys & set(load.keys) for load in loads)

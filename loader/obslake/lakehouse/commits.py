"""Optimistic commits: if another process commits first, the changes are prepared again from the new table."""

import operator
from collections.abc import Callable, Sequence
from contextlib import suppress

from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    ValidationException,
)
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table, TableProperties, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import TableUpdate
from pyiceberg.types import NestedField
from sqlalchemy.exc import OperationalError
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

from obslake.errors import CatalogError, CommitConflictError
from obslake.lakehouse.datafiles import remove_data_files
from obslake.lakehouse.recount import recount
from obslake.lakehouse.system_errors import is_of_system

_ATTEMPTS = 30
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 7.5


def commit(
    table: Table,
    stage: Callable[[Transaction], None],
    *,
    added: Sequence[DataFile] = (),
    conflicts: tuple[type[Exception], ...] = (),
) -> None:
    """Commit the changes that ``stage`` prepares, in one atomic step.

    Every attempt is prepared from the table's newest metadata and succeeds only on exactly that metadata, so
    what ``stage`` has checked there still holds at the commit. PyIceberg's own retries would not check again.

    Args:
        table: the table to change; it has its new metadata afterwards.
        stage: puts the changes into a transaction; may be called several times. Its exceptions are raised
            without another attempt.
        added: data files that the changes add; they are removed if nothing is committed.
        conflicts: further exceptions that mean a conflict if the table has changed meanwhile.

    Raises:
        CommitConflictError: other processes committed first in every attempt.
        CatalogError: the catalog did not respond.
    """
    attempt = _Attempt(table, stage, conflicts)
    try:
        is_done = Retrying(
            retry=retry_if_result(operator.not_),
            stop=stop_after_attempt(_ATTEMPTS),
            # A random wait below a limit that doubles, so that processes do not collide again.
            wait=wait_random_exponential(_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS),
            retry_error_callback=lambda _: False,
        )(attempt.succeeds)
        if not is_done:
            raise attempt.give_up() from attempt.last_error
    except BaseException:
        # If the catalog does not say what it has committed, the files stay: they may be in use.
        with suppress(Exception):
            if attempt.is_certainly_not_committed():
                remove_data_files(table.io, added)
                attempt.remove_manifests()
        raise


def add_missing_columns(table: Table, schema: Schema) -> None:
    """Add the optional columns that a table lacks, such as one created by an earlier version.

    Raises:
        CommitConflictError: other processes committed first in every attempt.
        CatalogError: the catalog did not respond.
    """

    def missing(metadata: TableMetadata) -> list[NestedField]:
        return [f for f in schema.fields if f.name not in metadata.schema().column_names]

    def stage(transaction: Transaction) -> None:
        with transaction.update_schema() as update:
            for field in missing(transaction.table_metadata):
                update.add_column(field.name, field.field_type, field.doc)

    if missing(table.metadata):
        commit(table, stage)


class _Attempt:
    """The attempts at one commit, and their outcome as far as it is known."""

    def __init__(
        self,
        table: Table,
        stage: Callable[[Transaction], None],
        conflicts: tuple[type[Exception], ...],
    ) -> None:
        self.last_error: Exception | None = None
        self._table = table
        self._stage = stage
        self._conflicts = conflicts
        self._staged: Snapshot | None = None
        # Snapshots that may have been committed: the catalog did not respond.
        self._unknown: list[int] = []

    def succeeds(self) -> bool:
        """Try once; return whether the changes are committed."""
        self._staged = None
        try:
            base = recount(self._table.refresh()).metadata_location
            if any(self._table.snapshot_by_id(i) for i in self._unknown):
                return True
            _disable_pyiceberg_retries(self._table)
            transaction = _Transaction(self._table)
            self._stage(transaction)
        except OperationalError as error:
            return self._failed(error)
        staged = transaction.table_metadata.current_snapshot()
        # Changes of properties or columns have no snapshot of their own.
        if staged and staged.snapshot_id != self._table.metadata.current_snapshot_id:
            self._staged = staged
        try:
            transaction.commit_transaction()
        except (CommitFailedException, ValidationException) as error:
            # Certainly not committed, so PyIceberg has removed the manifests.
            self._staged = None
            return self._failed(error)
        except (OperationalError, CommitStateUnknownException) as error:
            if self._staged is not None:
                self._unknown.append(self._staged.snapshot_id)
            return self._failed(error)
        except self._conflicts as error:
            if self._table.refresh().metadata_location == base:
                raise
            return self._failed(error)
        return True

    def _failed(self, error: Exception) -> bool:
        if isinstance(error, OperationalError) and is_of_system(error):
            raise error
        self.last_error = error
        return False

    def give_up(self) -> Exception:
        """Return the error to raise after the last attempt."""
        name = self._table.name()[-1]
        if isinstance(self.last_error, OperationalError):
            reason = str(self.last_error.orig or self.last_error).splitlines()[0]
            return CatalogError(
                f"{name}: the catalog did not respond: {reason}\n  run the command again when it does"
            )
        return CommitConflictError(
            f"{name}: other processes committed first in each of {_ATTEMPTS} attempts\n"
            "  no change was committed: run the command again"
        )

    def is_certainly_not_committed(self) -> bool:
        """Whether the catalog says that every attempt failed."""
        if self._unknown:
            return False
        return (
            self._staged is None
            or self._table.refresh().snapshot_by_id(self._staged.snapshot_id) is None
        )

    def remove_manifests(self) -> None:
        """Remove the manifests of the last attempt."""
        if self._staged is None:
            return
        for manifest in self._staged.manifests(self._table.io):
            if manifest.added_snapshot_id == self._staged.snapshot_id:
                self._table.io.delete(manifest.manifest_path)
        self._table.io.delete(self._staged.manifest_list)


class _Transaction(Transaction):
    """A transaction that caches its metadata.

    PyIceberg makes a deep copy at each access, some 15 times a commit, and its cost grows with every snapshot.
    """

    _key: tuple[TableMetadata, tuple[TableUpdate, ...]] | None = None
    _cached: TableMetadata

    @property
    def table_metadata(self) -> TableMetadata:
        """The metadata of the table with the staged changes; callers must not change it."""
        key = self._table.metadata, self._updates
        if self._key is None or self._key[0] is not key[0] or self._key[1] is not key[1]:
            self._key, self._cached = key, super().table_metadata
        return self._cached


def _disable_pyiceberg_retries(table: Table) -> None:
    """Disable PyIceberg's own retries of a commit, in this process's copy of the metadata only."""
    properties = {**table.metadata.properties, TableProperties.COMMIT_NUM_RETRIES: "0"}
    table.metadata = table.metadata.model_copy(update={"properties": properties})

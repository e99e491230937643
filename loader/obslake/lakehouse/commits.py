"""Optimistic commits: prepared again from the table as it then is, where another process was faster."""

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
    """Commit what ``stage`` prepares, in one atomic step.

    Every attempt is prepared from the table's newest metadata, and succeeds only on exactly that: so
    what ``stage`` has seen there still holds when it is committed. PyIceberg's own repetition would
    not ask again.

    Args:
        table: what to change; it has its new metadata afterwards.
        stage: puts the changes into a transaction; may be called several times. What it raises is
            not repeated.
        added: data files that the changes add; they are removed where nothing is committed.
        conflicts: further exceptions that may mean that others were faster, where the table has changed.

    Raises:
        CommitConflictError: others were faster too often.
        CatalogError: the catalog did not answer.
    """
    attempt = _Attempt(table, stage, conflicts)
    try:
        is_done = Retrying(
            retry=retry_if_result(operator.not_),
            stop=stop_after_attempt(_ATTEMPTS),
            # Chosen at random up to a limit, which doubles: so they do not come at the same moment again.
            wait=wait_random_exponential(_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS),
            retry_error_callback=lambda _: False,
        )(attempt.succeeds)
        if not is_done:
            raise attempt.give_up() from attempt.last_error
    except BaseException:
        # Where the catalog does not say what it has, the files stay: they may count.
        with suppress(Exception):
            if attempt.is_certainly_not_committed():
                remove_data_files(table.io, added)
                attempt.remove_manifests()
        raise


def add_missing_columns(table: Table, schema: Schema) -> None:
    """Add the optional columns to a table that it lacks, as one does that an earlier version has created.

    Raises:
        CommitConflictError: others were faster too often.
        CatalogError: the catalog did not answer.
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
    """Attempts at one commit, and what is known of them."""

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
        # Snapshots that may be committed or not: the catalog did not say.
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
            # PyIceberg has removed the manifests of what certainly was not committed.
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
        """Return what to say when there were too many failures."""
        name = self._table.name()[-1]
        if isinstance(self.last_error, OperationalError):
            reason = str(self.last_error.orig or self.last_error).splitlines()[0]
            return CatalogError(
                f"{name}: the catalog did not answer: {reason}\n  run the command again when it does"
            )
        return CommitConflictError(
            f"{name}: others committed {_ATTEMPTS} times while this waited for its turn\n"
            "  nothing of it was committed: run the command again"
        )

    def is_certainly_not_committed(self) -> bool:
        """Whether the catalog says so of every attempt."""
        if self._unknown:
            return False
        return (
            self._staged is None
            or self._table.refresh().snapshot_by_id(self._staged.snapshot_id) is None
        )

    def remove_manifests(self) -> None:
        """Remove what the last attempt has written."""
        if self._staged is None:
            return
        for manifest in self._staged.manifests(self._table.io):
            if manifest.added_snapshot_id == self._staged.snapshot_id:
                self._table.io.delete(manifest.manifest_path)
        self._table.io.delete(self._staged.manifest_list)


class _Transaction(Transaction):
    """A transaction that knows the metadata it has, of which PyIceberg makes a deep copy whenever it looks.

    That is some 15 times a commit, and grows with every snapshot that the table has.
    """

    _of: tuple[TableMetadata, tuple[TableUpdate, ...]] | None = None
    _known: TableMetadata

    @property
    def table_metadata(self) -> TableMetadata:
        """The metadata of the table with what is staged, which is not to be changed."""
        of = self._table.metadata, self._updates
        if self._of is None or self._of[0] is not of[0] or self._of[1] is not of[1]:
            self._of, self._known = of, super().table_metadata
        return self._known


def _disable_pyiceberg_retries(table: Table) -> None:
    """Say to PyIceberg not to repeat a commit; only this process's copy of the metadata is changed."""
    properties = {**table.metadata.properties, TableProperties.COMMIT_NUM_RETRIES: "0"}
    table.metadata = table.metadata.model_copy(update={"properties": properties})

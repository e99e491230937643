"""Optimistic commits: made anew on the table as it then is, where another process was faster."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Snapshot

from obslake.datafiles import remove_data_files
from obslake.errors import CommitConflictError

_ATTEMPTS = 10
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 5.0


def commit(
    table: Table,
    stage: Callable[[Transaction], None],
    *,
    added: Sequence[DataFile] = (),
    conflicts: tuple[type[Exception], ...] = (),
) -> None:
    """Commit what ``stage`` prepares, in one atomic step.

    PyIceberg repeats appends by itself, but gives up where the snapshot it began with has been
    removed, and where anything was added beside a rewrite. Here every attempt is prepared from the
    table's newest metadata, so that nothing depends on what it was before.

    Args:
        table: what to change; it has its new metadata afterwards.
        stage: puts the changes into a transaction; may be called several times. What it raises is
            not repeated.
        added: data files that the changes add; they are removed where nothing is committed.
        conflicts: further exceptions that may mean that others were faster, where the table has changed.

    Raises:
        CommitConflictError: others were faster too often.
    """
    staged: Snapshot | None = None
    last_error: Exception | None = None
    try:
        for attempt in range(_ATTEMPTS):
            if attempt:
                longest = min(_FIRST_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT_SECONDS)
                time.sleep(random.uniform(longest / 2, longest))  # noqa: S311
            base = table.refresh().metadata_location
            transaction = table.transaction()
            stage(transaction)
            staged = transaction.table_metadata.current_snapshot()
            try:
                transaction.commit_transaction()
            except (CommitFailedException, ValidationException) as error:
                # PyIceberg has removed the manifests of what certainly was not committed.
                staged, last_error = None, error
            except conflicts as error:
                if table.refresh().metadata_location == base:
                    raise
                last_error = error
            else:
                return
        raise CommitConflictError(
            f"{table.name()[-1]}: others committed {_ATTEMPTS} times while this waited for its turn\n"
            "  nothing of it was committed: run the command again"
        ) from last_error
    except BaseException:
        # Where the catalog does not say what it has, the files stay: they may count.
        with suppress(Exception):
            if staged is None or table.refresh().snapshot_by_id(staged.snapshot_id) is None:
                remove_data_files(table.io, added)
                _remove_manifests(table, staged)
        raise


def _remove_manifests(table: Table, uncommitted: Snapshot | None) -> None:
    if uncommitted is None:
        return
    for manifest in uncommitted.manifests(table.io):
        if manifest.added_snapshot_id == uncommitted.snapshot_id:
            table.io.delete(manifest.manifest_path)
    table.io.delete(uncommitted.manifest_list)

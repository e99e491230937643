"""Replaces data files of a table, in one commit, by new files with the rows to keep."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import duckdb
import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata

from obslake.engine import glob_literal, reason, set_variables
from obslake.errors import RewriteError
from obslake.lakehouse.commits import commit
from obslake.lakehouse.datafiles import remove_data_files, write_data_files
from obslake.lakehouse.snapshots import (
    FilesReplacedError,
    data_files_query,
    live_entries,
    live_files,
    replace_files,
)
from obslake.progress import Task
from obslake.version import __version__

_BATCH_ROWS = 16_384
_ATTEMPTS = 3

_Done = TypeVar("_Done")


@dataclass(frozen=True)
class Group:
    """Data files whose rows are written together.

    Attributes:
        files: the files.
        rows: number of their rows to keep.
    """

    files: tuple[DataFile, ...]
    rows: int


def until_not_replaced(name: str, attempt: Callable[[], _Done]) -> _Done:
    """Repeat a rewrite of files of a table while other processes replace the same files.

    Raises:
        RewriteError: they did so in every attempt.
    """
    for _ in range(_ATTEMPTS):
        with suppress(FilesReplacedError):
            return attempt()
    raise RewriteError(
        f"{name}: other processes replaced its files during each of {_ATTEMPTS} attempts to rewrite them\n"
        "  run the command again while no compaction is running"
    )


def rewrite(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    groups: Sequence[Group],
    clauses: str,
    properties: Callable[[Sequence[DataFile]], Mapping[str, str]],
    task: Task,
    check: Callable[[TableMetadata], None] | None = None,
) -> list[DataFile]:
    """Replace groups of files by new files with the rows to keep, and return the new files.

    Args:
        connection: reads the files, and spills if memory is short; has the variables of ``clauses``.
        table: the table; it has its new metadata afterwards.
        groups: the files to replace.
        clauses: SQL after ``select * from`` the files of a group: which rows to keep, and their order.
        properties: computes the summary properties of the snapshot from the new files.
        task: advanced by the number of rows read.
        check: checks the newest metadata before each attempt to commit; its exceptions are raised.

    Raises:
        FilesReplacedError: other processes have replaced some of the files; nothing was changed.
        RewriteError: files cannot be read, or rows would be lost; nothing was changed.
        DeleteFilesError: the table has delete files of another engine.
        CommitConflictError: other processes committed first in every attempt.
    """
    removed = [file for group in groups for file in group.files]
    added: list[DataFile] = []
    try:
        with errors_explained(table, removed):
            for group in groups:
                if group.rows:
                    added += _write(connection, table, group, clauses, task)
    except BaseException:
        remove_data_files(table.io, added)
        raise

    def stage(transaction: Transaction) -> None:
        live_entries(table, transaction.table_metadata.current_snapshot())
        if check:
            check(transaction.table_metadata)
        replace_files(
            transaction, removed, added, {**properties(added), "obslake.version": __version__}
        )

    commit(table, stage, added=added)
    return added


@contextmanager
def errors_explained(table: Table, files: Sequence[DataFile]) -> Iterator[None]:
    """Explain errors from reading data files of a table.

    Raises:
        FilesReplacedError: other processes have replaced some of the files.
        RewriteError: all files are still in the table, but DuckDB cannot read them.
    """
    try:
        yield
    except Exception as error:
        live = live_files(table, table.refresh().current_snapshot())
        if any(file.file_path not in live for file in files):
            raise FilesReplacedError from error
        if isinstance(error, duckdb.Error):
            raise RewriteError(f"{table.name()[-1]}: {reason(error)}") from error
        raise


def _write(
    connection: duckdb.DuckDBPyConnection, table: Table, group: Group, clauses: str, task: Task
) -> list[DataFile]:
    set_variables(connection, {"files": [glob_literal(f.file_path) for f in group.files]})
    written = write_data_files(table, _rows(connection, table, clauses, task))
    if (rows := sum(file.record_count for file in written)) != group.rows:
        remove_data_files(table.io, written)
        raise RewriteError(
            f"{table.name()[-1]}: {rows:,} of {group.rows:,} rows to keep were written\n"
            "  nothing was changed"
        )
    return written


def _rows(
    connection: duckdb.DuckDBPyConnection, table: Table, clauses: str, task: Task
) -> Iterator[pa.RecordBatch]:
    query = f"select * from {data_files_query(connection, table)} {clauses}"
    for batch in connection.execute(query).to_arrow_reader(_BATCH_ROWS):
        task.advance(batch.num_rows)
        yield batch

"""Rewrites data files of a table: other files with the rows that stay take their place in one commit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import duckdb
import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata

from obslake import __version__
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

_BATCH_ROWS = 16_384
_ATTEMPTS = 3

_Done = TypeVar("_Done")


@dataclass(frozen=True)
class Group:
    """Data files whose rows are written together.

    Attributes:
        files: the files.
        rows: number of their rows that stay.
    """

    files: tuple[DataFile, ...]
    rows: int


def until_not_replaced(name: str, attempt: Callable[[], _Done]) -> _Done:
    """Repeat what reads and rewrites files of a table while other processes replace the same files.

    Raises:
        RewriteError: they did so every time.
    """
    for _ in range(_ATTEMPTS):
        with suppress(FilesReplacedError):
            return attempt()
    raise RewriteError(
        f"{name}: its files were replaced by others while they were rewritten, {_ATTEMPTS} times\n"
        "  let no compaction run meanwhile, and run the command again"
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
    """Replace groups of files by files with the rows that stay, and return these.

    Args:
        connection: reads the files, and spills what does not fit into memory; has the variables of
            ``clauses``.
        table: the table; it has its new metadata afterwards.
        groups: the files to replace.
        clauses: SQL behind ``select * from`` the files of a group: which rows stay, and their order.
        properties: what the summary of the snapshot says, by the files that were written.
        task: advanced by the rows that are read.
        check: looks at the newest metadata before each attempt to commit; what it raises is raised.

    Raises:
        FilesReplacedError: other processes have replaced some of the files; nothing was changed.
        RewriteError: files cannot be read, or rows would be lost; nothing was changed.
        DeleteFilesError: the table has delete files of another engine.
        CommitConflictError: other processes committed all the time.
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
    """Say what it means that some data files of a table cannot be read.

    Raises:
        FilesReplacedError: other processes have replaced some of them.
        RewriteError: they are there.
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

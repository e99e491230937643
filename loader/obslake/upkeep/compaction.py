"""Rewrites the small and the overlapping data files of a table into few that are sorted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa
from pyiceberg.manifest import DataFile, ManifestEntry
from pyiceberg.table import Table, Transaction
from pyiceberg.typedef import Record

from obslake import __version__, engine
from obslake.engine import glob_literal, quote_identifier, reason, set_variables
from obslake.errors import CompactionError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.commits import commit
from obslake.lakehouse.datafiles import remove_data_files, target_file_size, write_data_files
from obslake.lakehouse.ledger import OPERATION_PROPERTY
from obslake.lakehouse.schemas import TableDefinition
from obslake.lakehouse.snapshots import (
    FilesReplacedError,
    data_files_query,
    live_entries,
    replace_files,
)
from obslake.lakehouse.workfolder import work_folder
from obslake.progress import Progress, Task
from obslake.upkeep.overlaps import files_to_rewrite

_BATCH_ROWS = 16_384
_ATTEMPTS = 3


@dataclass(frozen=True)
class Compaction:
    """What the compaction of one table did.

    Attributes:
        table: name of the table.
        rows: rows of the table.
        files_before: data files the table had.
        files_after: data files it has.
        bytes_before: their size, before.
        bytes_after: their size now.
        files_rewritten: data files that were replaced; 0: the table was compact.
    """

    table: str
    rows: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    files_rewritten: int = 0


def compact(lakehouse: Lakehouse, definition: TableDefinition, progress: Progress) -> Compaction:
    """Rewrite a table's files in its sort order, in one commit, where that makes fewer of them.

    Rows, and the snapshots there are, stay as they are. Loads that are committed meanwhile stay too:
    exactly the files that were read are replaced.

    Files of a partitioned table are rewritten with those of their partition, by a second commit where
    rows of an earlier partition spec were put into the partitions there are now.

    Args:
        lakehouse: where the table is.
        definition: the table.
        progress: told how far it is.

    Raises:
        CompactionError: the files cannot be rewritten.
        PartitionError: the table is partitioned by what obslake cannot write.
        DeleteFilesError: the table has delete files of another engine.
        CommitConflictError: others committed all the time.
    """
    done, has_moved = _compact_repeatedly(lakehouse, definition, progress)
    if not has_moved:
        return done
    last, _ = _compact_repeatedly(lakehouse, definition, progress)
    return replace(
        last,
        files_before=done.files_before,
        bytes_before=done.bytes_before,
        files_rewritten=done.files_rewritten + last.files_rewritten,
    )


def _compact_repeatedly(
    lakehouse: Lakehouse, definition: TableDefinition, progress: Progress
) -> tuple[Compaction, bool]:
    for _ in range(_ATTEMPTS):
        try:
            return _compact(lakehouse, definition, progress)
        except FilesReplacedError:
            continue
    raise CompactionError(
        f"{definition.name}: its files were replaced by others while they were rewritten, "
        f"{_ATTEMPTS} times\n  nothing was changed: let one compaction run at a time"
    )


def _compact(
    lakehouse: Lakehouse, definition: TableDefinition, progress: Progress
) -> tuple[Compaction, bool]:
    """Commit once; return what was done, and whether rows were put into partitions of the current spec."""
    table = lakehouse.table(definition)
    entries = live_entries(table, table.current_snapshot())
    groups = _groups(table, definition, entries)
    files = [entry.data_file for entry in entries]
    size = sum(file.file_size_in_bytes for file in files)
    rows = sum(file.record_count for file in files)
    if not groups:
        return Compaction(definition.name, rows, len(files), len(files), size, size), False
    # Its files are referred to only when they are committed: until then the folder protects them.
    with work_folder(lakehouse.home, ".compact-") as folder:
        added = _rewrite(folder, table, definition, groups, progress)
        replaced = _commit(table, groups, added)
    done = Compaction(
        definition.name,
        rows,
        files_before=len(files),
        files_after=len(files) - len(replaced) + len(added),
        bytes_before=size,
        bytes_after=size
        - sum(file.file_size_in_bytes for file in replaced)
        + sum(file.file_size_in_bytes for file in added),
        files_rewritten=len(replaced),
    )
    return done, any(file.spec_id != table.spec().spec_id for file in replaced)


def _groups(
    table: Table, definition: TableDefinition, entries: Sequence[ManifestEntry]
) -> list[tuple[DataFile, ...]]:
    """Return groups of files to rewrite, each of one partition.

    Those of earlier specs are one group, which comes before all others: where its rows will lie beside
    files that are in their partitions already is known when they do.
    """
    target_size = target_file_size(table)
    partitions: dict[tuple[int, Record], list[ManifestEntry]] = {}
    for entry in entries:
        file = entry.data_file
        partitions.setdefault((file.spec_id, file.partition), []).append(entry)
    groups: list[tuple[DataFile, ...]] = []
    earlier: list[DataFile] = []
    small: list[DataFile] = []
    for (spec_id, _), files in partitions.items():
        found = files_to_rewrite(files, table.schema(), definition.sort_columns, target_size)
        if spec_id == table.spec().spec_id:
            groups += found
            continue
        moved = set(chain.from_iterable(found))
        earlier += moved
        small += (
            entry.data_file
            for entry in files
            if entry.data_file not in moved and entry.data_file.file_size_in_bytes < target_size
        )
    # No other will come to them in their partitions.
    if len(small) > 1:
        earlier += small
    return [tuple(earlier)] if earlier else groups


def _commit(
    table: Table, groups: Sequence[Sequence[DataFile]], added: Sequence[DataFile]
) -> list[DataFile]:
    """Put the files that were written in place of those that were read; return these."""
    replaced = [file for group in groups for file in group]
    properties = {
        OPERATION_PROPERTY: "compact",
        "obslake.version": __version__,
        "obslake.files-before": str(len(replaced)),
        "obslake.files-after": str(len(added)),
        "obslake.rows-before": str(sum(file.record_count for file in replaced)),
        "obslake.rows-after": str(sum(file.record_count for file in added)),
    }

    def stage(transaction: Transaction) -> None:
        live_entries(table, transaction.table_metadata.current_snapshot())
        replace_files(transaction, replaced, added, properties)

    commit(table, stage, added=added)
    return replaced


def _rewrite(
    folder: Path,
    table: Table,
    definition: TableDefinition,
    groups: Sequence[Sequence[DataFile]],
    progress: Progress,
) -> list[DataFile]:
    """Write the rows of each group of files to new ones, in order; count them."""
    added: list[DataFile] = []
    try:
        with (
            engine.connect(temp_directory=folder, with_iceberg=False) as connection,
            progress.task(f"compacting {definition.name}", unit="rows") as task,
        ):
            for group in groups:
                written = write_data_files(
                    table, _sorted_rows(connection, table, definition, group, task)
                )
                added += written
                before, after = (sum(f.record_count for f in files) for files in (group, written))
                if before != after:
                    raise CompactionError(
                        f"{definition.name}: of {before:,} rows {after:,} were written\n"
                        "  nothing was changed"
                    )
    except BaseException as error:
        remove_data_files(table.io, added)
        if isinstance(error, Exception) and not _are_live(table, groups):
            raise FilesReplacedError from error
        if isinstance(error, duckdb.Error):
            raise CompactionError(f"{definition.name}: {reason(error)}") from error
        raise
    return added


def _are_live(table: Table, groups: Sequence[Sequence[DataFile]]) -> bool:
    entries = live_entries(table, table.refresh().current_snapshot())
    live = {entry.data_file.file_path for entry in entries}
    return all(file.file_path in live for group in groups for file in group)


def _sorted_rows(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    definition: TableDefinition,
    files: Sequence[DataFile],
    task: Task,
) -> Iterator[pa.RecordBatch]:
    """Stream the rows of some files in the table's sort order; DuckDB spills what does not fit."""
    set_variables(connection, {"files": [glob_literal(file.file_path) for file in files]})
    order = ", ".join(quote_identifier(column) for column in definition.sort_columns)
    query = f"select * from {data_files_query(connection, table)} order by {order}"
    for batch in connection.execute(query).to_arrow_reader(_BATCH_ROWS):
        task.advance(batch.num_rows)
        yield batch

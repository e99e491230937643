"""Rewrites the small and the overlapping data files of a table into few that are sorted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import duckdb
from pyiceberg.manifest import DataFile, ManifestEntry
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from obslake import engine
from obslake.engine import quote_identifier
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.datafiles import target_file_size
from obslake.lakehouse.ledger import OPERATION_PROPERTY
from obslake.lakehouse.rewrite import Group, rewrite, until_not_replaced
from obslake.lakehouse.schemas import TableDefinition
from obslake.lakehouse.snapshots import live_entries
from obslake.lakehouse.workfolder import work_folder
from obslake.progress import Progress
from obslake.upkeep.overlaps import files_to_rewrite


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
        RewriteError: the files cannot be rewritten.
        PartitionError: the table is partitioned by what obslake cannot write.
        DeleteFilesError: the table has delete files of another engine.
        CommitConflictError: others committed all the time.
    """
    # Its files are referred to only when they are committed: until then the folder protects them.
    with (
        work_folder(lakehouse.home, ".compact-") as folder,
        engine.connect(temp_directory=folder, with_iceberg=False) as connection,
    ):

        def once() -> tuple[Compaction, bool]:
            return until_not_replaced(
                definition.name, lambda: _compact(connection, lakehouse, definition, progress)
            )

        done, has_moved = once()
        if not has_moved:
            return done
        last, _ = once()
    return replace(
        last,
        files_before=done.files_before,
        bytes_before=done.bytes_before,
        files_rewritten=done.files_rewritten + last.files_rewritten,
    )


def _compact(
    connection: duckdb.DuckDBPyConnection,
    lakehouse: Lakehouse,
    definition: TableDefinition,
    progress: Progress,
) -> tuple[Compaction, bool]:
    """Commit once; return what was done, and whether rows were put into partitions of the current spec."""
    table = lakehouse.table(definition)
    entries = live_entries(table, table.current_snapshot())
    files = [entry.data_file for entry in entries]
    groups = [Group(group, _rows(group)) for group in _groups(table, definition, entries)]
    replaced = [file for group in groups for file in group.files]
    added: list[DataFile] = []
    if groups:
        order = ", ".join(quote_identifier(column) for column in definition.sort_columns)
        with progress.task(f"compacting {definition.name}", unit="rows") as task:
            added = rewrite(
                connection,
                table,
                groups,
                f"order by {order}",
                lambda added: _properties(replaced, added),
                task,
            )
    done = Compaction(
        definition.name,
        _rows(files),
        files_before=len(files),
        files_after=len(files) - len(replaced) + len(added),
        bytes_before=_bytes(files),
        bytes_after=_bytes(files) - _bytes(replaced) + _bytes(added),
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


def _properties(replaced: Sequence[DataFile], added: Sequence[DataFile]) -> dict[str, str]:
    return {
        OPERATION_PROPERTY: "compact",
        "obslake.files-before": str(len(replaced)),
        "obslake.files-after": str(len(added)),
        "obslake.rows-before": str(_rows(replaced)),
        "obslake.rows-after": str(_rows(added)),
    }


def _rows(files: Iterable[DataFile]) -> int:
    return sum(file.record_count for file in files)


def _bytes(files: Iterable[DataFile]) -> int:
    return sum(file.file_size_in_bytes for file in files)

"""Rewrites small and overlapping data files of a table into a few sorted ones.

This also drops the rows of superseded loads, which are hidden from queries.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import duckdb
from pyiceberg.expressions import In
from pyiceberg.manifest import DataFile, ManifestEntry
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.typedef import Record

from obslake import engine
from obslake.engine import glob_literal, quote_identifier, quote_literal, set_variables
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.datafiles import target_file_size
from obslake.lakehouse.ledger import OPERATION_PROPERTY, drop_properties
from obslake.lakehouse.rewrite import Group, errors_explained, rewrite, until_not_replaced
from obslake.lakehouse.schemas import OBSERVATIONS, TableDefinition
from obslake.lakehouse.snapshots import FilesReplacedError, data_files_query, live_entries
from obslake.lakehouse.visible import superseded_loads
from obslake.lakehouse.workfolder import work_folder
from obslake.progress import Progress
from obslake.upkeep.overlaps import files_to_rewrite


@dataclass(frozen=True)
class Compaction:
    """What the compaction of one table did.

    Attributes:
        table: name of the table.
        rows: rows of the table.
        files_before: number of data files before.
        files_after: number of data files now.
        bytes_before: size of the data files before.
        bytes_after: size of the data files now.
        files_rewritten: data files that were replaced; 0: the table was compact.
        rows_dropped: hidden rows of superseded loads that were dropped.
    """

    table: str
    rows: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    files_rewritten: int = 0
    rows_dropped: int = 0


def compact(lakehouse: Lakehouse, definition: TableDefinition, progress: Progress) -> Compaction:
    """Rewrite a table's files in its sort order, in one commit, if that makes fewer of them.

    Visible rows and existing snapshots stay unchanged. Loads that are committed meanwhile stay too: only
    the files that were read are replaced.

    Files of a partitioned table are rewritten partition by partition. If rows of an earlier partition spec
    had to be moved to the current partitions, a second commit compacts these.

    Raises:
        RewriteError: the files cannot be rewritten.
        PartitionError: the table has a partition field that obslake cannot write.
        DeleteFilesError: the table has delete files of another engine.
        CommitConflictError: other processes committed before each attempt.
    """
    # The folder protects the new files from being removed as orphans until the commit.
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
        rows_dropped=done.rows_dropped + last.rows_dropped,
    )


def _compact(
    connection: duckdb.DuckDBPyConnection,
    lakehouse: Lakehouse,
    definition: TableDefinition,
    progress: Progress,
) -> tuple[Compaction, bool]:
    """Commit once; return what was done, and whether rows moved to partitions of the current spec."""
    table = lakehouse.table(definition)

    def superseded(metadata: TableMetadata) -> set[str]:
        return superseded_loads(metadata, lakehouse.table(OBSERVATIONS).metadata)

    def check(metadata: TableMetadata) -> None:
        # After a rollback, loads may no longer be superseded, so that they can be completed.
        if not loads <= superseded(metadata):
            raise FilesReplacedError

    entries = live_entries(table, table.current_snapshot())
    files = [entry.data_file for entry in entries]
    loads = superseded(table.metadata)
    which = f"load_id in ({', '.join(map(quote_literal, sorted(loads)))})" if loads else "false"
    dropped = _rows_of(connection, table, loads, which)
    groups = _groups(table, definition, entries)
    grouped = set(chain.from_iterable(groups))
    groups += [(f,) for f in files if f.file_path in dropped and f not in grouped]
    replaced = list(chain.from_iterable(groups))
    added: list[DataFile] = []
    if replaced or loads:
        order = ", ".join(map(quote_identifier, definition.sort_columns))
        with progress.task(f"compacting {definition.name}", unit="rows") as task:
            added = rewrite(
                connection,
                table,
                [Group(g, _rows(g) - sum(dropped.get(f.file_path, 0) for f in g)) for g in groups],
                f"where not {which} order by {order}",
                lambda added: {**_properties(replaced, added), **drop_properties(loads)},
                task,
                check,
            )
    done = Compaction(
        definition.name,
        _rows(files) - sum(dropped.values()),
        files_before=len(files),
        files_after=len(files) - len(replaced) + len(added),
        bytes_before=_bytes(files),
        bytes_after=_bytes(files) - _bytes(replaced) + _bytes(added),
        files_rewritten=len(replaced),
        rows_dropped=sum(dropped.values()),
    )
    return done, any(file.spec_id != table.spec().spec_id for file in replaced)


def _rows_of(
    connection: duckdb.DuckDBPyConnection, table: Table, loads: Collection[str], which: str
) -> dict[str, int]:
    """Return the number of rows of some loads in each data file, without files that have none."""
    if not loads:
        return {}
    # The scan prunes by bounds of load ids, which may include other loads: the rows have to be counted.
    files = [task.file for task in table.scan(In("load_id", loads)).plan_files()]  # type: ignore[misc, arg-type, call-arg]
    found = {}
    with errors_explained(table, files):
        query = f"select count(*) from {data_files_query(connection, table)} where {which}"
        for file in files:
            set_variables(connection, {"files": [glob_literal(file.file_path)]})
            ((rows,),) = connection.execute(query).fetchall()
            if rows:
                found[file.file_path] = rows
    return found


def _groups(
    table: Table, definition: TableDefinition, entries: Sequence[ManifestEntry]
) -> list[tuple[DataFile, ...]]:
    """Return groups of files to rewrite, each of one partition.

    Files of earlier specs are a single group, and the only one to rewrite now: only after they have moved
    to their partitions is it known which files overlap there.
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
    # Small files in partitions of earlier specs get no new neighbours there.
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

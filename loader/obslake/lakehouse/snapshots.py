"""What a snapshot of a table consists of, and which snapshot of another table belongs to it."""

import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

import duckdb
from pyiceberg.exceptions import ValidationException
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.manifest import (
    DataFile,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
)
from pyiceberg.table import Table, TableProperties, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import (
    Operation,
    Snapshot,
    SnapshotSummaryCollector,
    Summary,
    update_snapshot_summaries,
)
from pyiceberg.table.update import AddSnapshotUpdate, SetPropertiesUpdate, U, UpdatesAndRequirements
from pyiceberg.table.update.snapshot import _FastAppendFiles, _OverwriteFiles, _SnapshotProducer
from pyiceberg.typedef import EMPTY_DICT
from pyiceberg.utils.properties import property_as_int

from obslake.engine import quote_literal
from obslake.errors import DeleteFilesError
from obslake.lakehouse.ancestry import notes
from obslake.lakehouse.ledger import state_at, states
from obslake.lakehouse.schemas import sql_type
from obslake.lakehouse.store import show_store

_KEPT_SECONDS = 86_400


class FilesReplacedError(Exception):
    """Another process has replaced files that were being rewritten."""


def live_entries(table: Table, snapshot: Snapshot | None) -> list[ManifestEntry]:
    """Return the entries of a snapshot's data files.

    Raises:
        DeleteFilesError: there are delete files, as other engines write them: which rows they delete
            is said by the place of a row in its file.
    """
    entries: list[ManifestEntry] = []
    for manifest in snapshot.manifests(table.io) if snapshot else ():
        if manifest.content != ManifestContent.DATA:
            raise DeleteFilesError(
                f"{table.name()[-1]} has delete files, which obslake does not write\n"
                "  compact it with the engine that wrote them"
            )
        entries += manifest.fetch_manifest_entry(table.io)
    return entries


def live_files(table: Table, snapshot: Snapshot | None) -> dict[str, DataFile]:
    """Return the data files of a snapshot by their paths.

    Raises:
        DeleteFilesError: as of `live_entries`.
    """
    return {e.data_file.file_path: e.data_file for e in live_entries(table, snapshot)}


class _NotedSnapshot(_SnapshotProducer[U]):
    """Notes the snapshot in a property of the table, and gives each manifest files of one partition spec.

    PyIceberg takes all files that are added for files of the current spec. A rollback brings files of
    earlier ones back, and others may change the spec while a load is written.
    """

    def _commit(self) -> UpdatesAndRequirements:
        updates, requirements = super()._commit()
        added = [update.snapshot for update in updates if isinstance(update, AddSnapshotUpdate)]
        noted = SetPropertiesUpdate(updates=notes(self._transaction.table_metadata, *added))
        return (*updates, noted), requirements

    def _manifests(self) -> list[ManifestFile]:
        added = self._added_data_files
        current = self._transaction.table_metadata.default_spec_id
        by_spec: dict[int, list[DataFile]] = {current: []}
        for file in added:
            by_spec.setdefault(file.spec_id, []).append(file)
        self._added_data_files = by_spec.pop(current)
        try:
            manifests = super()._manifests()
        finally:
            self._added_data_files = added
        return [*(self._added(*item) for item in by_spec.items()), *manifests]

    def _added(self, spec_id: int, files: Iterable[DataFile]) -> ManifestFile:
        with self.new_manifest_writer(self.spec(spec_id)) as writer:
            for file in files:
                writer.add(
                    ManifestEntry.from_args(
                        status=ManifestEntryStatus.ADDED,
                        snapshot_id=self._snapshot_id,
                        sequence_number=None,
                        file_sequence_number=None,
                        data_file=file,
                    )
                )
        return writer.to_manifest_file()

    def _summary(self, snapshot_properties: dict[str, str] = EMPTY_DICT) -> Summary:
        metadata = self._transaction.table_metadata
        schema, specs = metadata.schema(), metadata.specs()
        limit = property_as_int(
            metadata.properties,
            TableProperties.WRITE_PARTITION_SUMMARY_LIMIT,
            TableProperties.WRITE_PARTITION_SUMMARY_LIMIT_DEFAULT,
        )
        changes = SnapshotSummaryCollector(limit or 0)
        for file in self._added_data_files:
            changes.add_file(file, schema, specs[file.spec_id])
        for file in self._deleted_data_files:
            changes.remove_file(file, schema, specs[file.spec_id])
        before = metadata.current_snapshot()
        return update_snapshot_summaries(
            Summary(self._operation, **changes.build(), **snapshot_properties),
            before.summary if before else None,
        )


class _Append(_NotedSnapshot["_Append"], _FastAppendFiles):
    """Adds data files."""


class _Overwrite(_NotedSnapshot["_Overwrite"], _OverwriteFiles):
    """Puts data files in the place of others."""

    def _build_delete_files_partition_predicate(self) -> None:
        # By their partitions PyIceberg would read fewer manifests, of which there are few.
        for spec_id in {file.spec_id for file in self._deleted_data_files}:
            self.partition_filters[spec_id] = AlwaysTrue()


def append_files(
    transaction: Transaction, added: Iterable[DataFile], properties: dict[str, str]
) -> None:
    """Put a snapshot into a transaction in which some data files stand beside those there are."""
    with _Append(
        Operation.APPEND, transaction, transaction._table.io, snapshot_properties=properties
    ) as append:
        for file in added:
            append.append_data_file(file)


def replace_files(
    transaction: Transaction,
    removed: Iterable[DataFile],
    added: Iterable[DataFile],
    properties: dict[str, str],
) -> None:
    """Put a snapshot into a transaction in which some data files stand in place of others.

    Raises:
        FilesReplacedError: what is to be removed is not there.
    """
    metadata = transaction.table_metadata
    try:
        with _Overwrite(
            Operation.OVERWRITE if metadata.current_snapshot() else Operation.APPEND,
            transaction,
            transaction._table.io,
            snapshot_properties=properties,
        ) as overwrite:
            for file in removed:
                overwrite.delete_data_file(file)
            for file in added:
                overwrite.append_data_file(file)
    except ValidationException as error:
        raise FilesReplacedError from error


def data_files_query(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Return an SQL relation with the rows of the data files that the variable ``files`` names.

    Columns are found by their field ids, as Iceberg wants it: the names in older files may be others.
    The names of folders say nothing.
    """
    show_store(connection, table)
    columns = ", ".join(
        f"{field.field_id}: {{name: {quote_literal(field.name)}, "
        f"type: {quote_literal(sql_type(field.field_type))}, default_value: null}}"
        for field in table.schema().fields
    )
    return (
        f"read_parquet(getvariable('files'), schema = map {{{columns}}}, hive_partitioning = false)"
    )


def kept_metadata(table: Table, folder: Path) -> str:
    """Copy the metadata file of a table to a folder, and return the path of the copy.

    Copies of the day before are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Every version of a table has a name of its own, so that nobody's copy is changed.
    copy = folder / f"{table.name()[-1]}-{PurePosixPath(table.metadata_location).name}"
    for other in folder.glob("*.metadata.json"):
        with suppress(FileNotFoundError):
            if time.time() - other.stat().st_mtime > _KEPT_SECONDS and other != copy:
                other.unlink()
    with table.io.new_input(table.metadata_location).open() as stream:
        content = stream.read()
    part = copy.with_name(f".{copy.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(copy)
    return str(copy)


def snapshot_with(metadata: TableMetadata, loads: Collection[str]) -> Snapshot | None:
    """Return the snapshot that has the rows of some loads: the current one, unless it lacks some.

    A table that was rolled back has snapshots from before it that show what was there.
    """
    current = metadata.current_snapshot()
    wanted = set(loads)
    if current is None or not (missing := wanted - state_at(metadata, current).loads.keys()):
        return current
    found = {snapshot.snapshot_id: state.loads.keys() for snapshot, state in states(metadata)}
    # Rows of loads that are not wanted can be left out by whoever reads; the newest of equals.
    best = min(
        metadata.snapshots,
        key=lambda s: (len(wanted - found[s.snapshot_id]), -(s.sequence_number or 0)),
    )
    lacks_as_many = len(missing) <= len(wanted - found[best.snapshot_id])
    return current if lacks_as_many else best

"""Reads and writes the files of a table's snapshots, and finds the snapshot that has the rows of given loads."""

import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

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
from obslake.lakehouse.kept_views import kept_copy
from obslake.lakehouse.ledger import state_at, states
from obslake.lakehouse.schemas import sql_type
from obslake.lakehouse.store import configure_store

_KEPT_SECONDS = 86_400


class FilesReplacedError(Exception):
    """Another process replaced files while they were rewritten."""


def live_entries(table: Table, snapshot: Snapshot | None) -> list[ManifestEntry]:
    """Return the entries of a snapshot's data files.

    Raises:
        DeleteFilesError: the snapshot has delete files of another engine, which refer to rows by their position
            in a data file.
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
        DeleteFilesError: as for `live_entries`.
    """
    return {e.data_file.file_path: e.data_file for e in live_entries(table, snapshot)}


class _NotedSnapshot(_SnapshotProducer[U]):
    """Records the snapshot in a table property, and writes one manifest per partition spec.

    PyIceberg assumes that all added files have the current spec. But a rollback restores files of earlier specs,
    and another process may change the spec while a load is writing.
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
    """Replaces data files by others."""

    def _build_delete_files_partition_predicate(self) -> None:
        # A filter by partition would only save reading some of the few manifests.
        for spec_id in {file.spec_id for file in self._deleted_data_files}:
            self.partition_filters[spec_id] = AlwaysTrue()


def append_files(
    transaction: Transaction, added: Iterable[DataFile], properties: dict[str, str]
) -> None:
    """Add a snapshot with additional data files to a transaction."""
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
    """Add a snapshot with some data files replaced by others to a transaction.

    Raises:
        FilesReplacedError: a file to remove is not in the table.
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


def data_files_query(
    connection: duckdb.DuckDBPyConnection, table: Table, variable: str = "files"
) -> str:
    """Return an SQL relation with the rows of the data files in a variable.

    Columns are matched by field id, since names in older files may differ. Folder names are ignored.
    """
    configure_store(connection, table)
    columns = ", ".join(
        f"{field.field_id}: {{name: {quote_literal(field.name)}, "
        f"type: {quote_literal(sql_type(field.field_type))}, default_value: null}}"
        for field in table.schema().fields
    )
    return (
        f"read_parquet(getvariable({quote_literal(variable)}), schema = map {{{columns}}}, "
        "hive_partitioning = false)"
    )


def kept_metadata(table: Table, folder: Path) -> str:
    """Copy the metadata file of a table to a folder, and return the path of the copy.

    Copies older than a day are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copy = kept_copy(table.name()[-1], table.metadata_location, folder)
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
    """Return the current snapshot if it has the rows of some loads, else the snapshot with most of the loads.

    After another tool has rolled the table back, an earlier snapshot may have more of them.
    """
    current = metadata.current_snapshot()
    wanted = set(loads)
    if current is None or not (missing := wanted - state_at(metadata, current).loads.keys()):
        return current
    found = {snapshot.snapshot_id: state.loads.keys() for snapshot, state in states(metadata)}
    # The newest of equals. Readers filter out rows of other loads.
    best = min(
        metadata.snapshots,
        key=lambda s: (len(wanted - found[s.snapshot_id]), -(s.sequence_number or 0)),
    )
    is_current_as_good = len(missing) <= len(wanted - found[best.snapshot_id])
    return current if is_current_as_good else best

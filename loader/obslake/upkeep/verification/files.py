"""Checks metadata against files: manifest lists, manifests, data files and totals."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow.parquet as pq
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, DataFileContent, ManifestFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from obslake.errors import ObslakeError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import KEPT_TABLES
from obslake.upkeep.verification.report import Check, one_line

_READERS = 4
_BATCH_ROWS = 16_384
_FIELD_ID = b"PARQUET:field_id"


@dataclass
class TableFiles:
    """The files that the snapshots of a table name.

    Attributes:
        table: the table.
        lists: manifest lists.
        manifests: manifests.
        data: data files by path.
        current: paths of the data files of the current snapshot.
        others: paths of delete files.
        is_complete: whether all manifest lists and manifests could be read, so that no file is missing here.
        is_sound: whether no fault is known of the files of the current snapshot.
    """

    table: Table
    lists: set[str] = field(default_factory=set)
    manifests: set[str] = field(default_factory=set)
    data: dict[str, DataFile] = field(default_factory=dict)
    current: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    is_complete: bool = True
    is_sound: bool = True

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.table.name()[-1]

    def all(self) -> set[str]:
        """Return the paths of all files that belong to the table."""
        metadata = self.table.metadata
        files = {self.table.metadata_location, *(e.metadata_file for e in metadata.metadata_log)}
        files.update(statistics.statistics_path for statistics in metadata.statistics)
        return files | self.lists | self.manifests | self.data.keys() | self.others


def check_tables(lakehouse: Lakehouse) -> tuple[Check, list[TableFiles]]:
    """Check that the catalog has every table, and that its metadata can be read."""
    check = Check("tables")
    tables = []
    for definition in filter(lakehouse.has, KEPT_TABLES):
        check.counted += 1
        try:
            tables.append(TableFiles(lakehouse.table(definition)))
        except ObslakeError as error:
            check.fault(definition.name, str(error).removeprefix(f"{definition.name}: "))
    return check, tables


def check_snapshots(tables: list[TableFiles]) -> list[Check]:
    """Check that manifest lists and manifests exist and can be read, and that totals are right."""
    snapshots, manifests, totals = Check("snapshots"), Check("manifests"), Check("totals")
    for files in tables:
        contents: dict[str, list[DataFile] | None] = {}
        for snapshot in files.table.metadata.snapshots:
            snapshots.counted += 1
            files.lists.add(snapshot.manifest_list)
            listed = _read_list(files, snapshot, snapshots)
            for manifest in listed or ():
                path = manifest.manifest_path
                if path not in contents:
                    manifests.counted += 1
                    contents[path] = _read_manifest(files, manifest, manifests)
            parts = [contents[m.manifest_path] for m in listed or ()]
            readable = [part for part in parts if part is not None]
            is_readable = listed is not None and len(readable) == len(parts)
            live = [file for part in readable for file in part]
            if snapshot.snapshot_id == files.table.metadata.current_snapshot_id:
                files.current.update(file.file_path for file in live)
                files.is_sound = is_readable
            if is_readable:
                totals.counted += 1
                _check_totals(files, snapshot, live, totals)
            else:
                files.is_complete = False
    return [snapshots, manifests, totals]


def _read_list(files: TableFiles, snapshot: Snapshot, check: Check) -> list[ManifestFile] | None:
    path = snapshot.manifest_list
    try:
        if _size(files.table.io, path) is None:
            check.fault(
                files.name, f"{path}: does not exist, snapshot {snapshot.snapshot_id} needs it"
            )
            return None
        return snapshot.manifests(files.table.io)
    # The decoder may raise any exception for a damaged file.
    except Exception as error:
        check.fault(files.name, f"{path}: cannot be read: {one_line(error)}")
        return None


def _read_manifest(
    files: TableFiles, manifest: ManifestFile, check: Check
) -> list[DataFile] | None:
    path = manifest.manifest_path
    files.manifests.add(path)
    try:
        size = _size(files.table.io, path)
        if size is None:
            check.fault(files.name, f"{path}: does not exist")
            return None
        if size != manifest.manifest_length:
            check.fault(
                files.name, f"{path}: has {size:,} bytes instead of {manifest.manifest_length:,}"
            )
            return None
        entries = manifest.fetch_manifest_entry(files.table.io)
    except Exception as error:
        check.fault(files.name, f"{path}: cannot be read: {one_line(error)}")
        return None
    found = []
    for entry in entries:
        if entry.data_file.content == DataFileContent.DATA:
            files.data[entry.data_file.file_path] = entry.data_file
            found.append(entry.data_file)
        else:
            files.others.add(entry.data_file.file_path)
    return found


def _check_totals(
    files: TableFiles, snapshot: Snapshot, live: list[DataFile], check: Check
) -> None:
    summary = snapshot.summary.additional_properties if snapshot.summary else {}
    actual = {
        "total-records": sum(file.record_count for file in live),
        "total-data-files": len(live),
    }
    for name, number in actual.items():
        recorded = summary.get(name)
        if recorded is not None and int(recorded) != number:
            check.fault(
                files.name,
                f"snapshot {snapshot.snapshot_id}: {name} is {recorded}, its manifests have {number}",
            )


def check_data_files(tables: list[TableFiles], *, deep: bool) -> Check:
    """Check that data files exist and have the size, rows and columns that the metadata records.

    Args:
        tables: the tables with the contents of their manifests.
        deep: read every page as well, and compare it with its checksum if it has one.
    """
    check = Check("data files")
    for files in tables:
        for path, faults in _examine(files, deep=deep):
            check.counted += 1
            if faults and path in files.current:
                files.is_sound = False
            for what in faults:
                check.fault(files.name, f"{path}: {what}")
    return check


def _examine(files: TableFiles, *, deep: bool) -> Iterator[tuple[str, list[str]]]:
    schemas = files.table.metadata.schemas
    known = {field_id for schema in schemas for field_id in schema.field_ids}
    required = {field.field_id for field in files.table.schema().fields if field.required}

    def examine(file: DataFile) -> list[str]:
        try:
            return list(_faults(files.table.io, file, known, required, deep=deep))
        except Exception as error:
            return [f"cannot be read: {one_line(error)}"]

    # Several threads can wait for a store, but each that decodes keeps a processor busy.
    with ThreadPoolExecutor(1 if deep else _READERS) as readers:
        found = sorted(files.data.items())
        results = readers.map(examine, (file for _, file in found))
        for (path, _), faults in zip(found, results, strict=True):
            yield path, faults


def _faults(
    io: FileIO, file: DataFile, known: set[int], required: set[int], *, deep: bool
) -> Iterator[str]:
    size = _size(io, file.file_path)
    if size is None:
        yield "does not exist"
        return
    if size != file.file_size_in_bytes:
        yield f"has {size:,} bytes instead of {file.file_size_in_bytes:,}"
        return
    with (
        io.new_input(file.file_path).open() as stream,
        pq.ParquetFile(stream, page_checksum_verification=deep) as parquet,
    ):
        rows = parquet.metadata.num_rows
        if rows != file.record_count:
            yield f"has {rows:,} rows instead of {file.record_count:,}"
        ids = {int((column.metadata or {}).get(_FIELD_ID, -1)) for column in parquet.schema_arrow}
        if unknown := ids - known:
            yield f"has columns whose field ids the table does not have: {sorted(unknown)}"
        if missing := required - ids:
            yield f"lacks columns that the table requires: field ids {sorted(missing)}"
        if deep:
            decoded = sum(batch.num_rows for batch in parquet.iter_batches(_BATCH_ROWS))
            if decoded != rows:
                yield f"has {decoded:,} rows where its footer says {rows:,}"


def _size(io: FileIO, path: str) -> int | None:
    """Return the size of a file; None if it does not exist."""
    try:
        return len(io.new_input(path))
    except FileNotFoundError:
        return None

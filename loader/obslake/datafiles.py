"""Writes and removes the data files of Iceberg tables.

PyIceberg's own writer holds the rows of a file, and those of the files that wait for their turn, in
memory. This one holds two row groups: the one that is filled and the one that is written.
"""

import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import (
    _get_parquet_writer_kwargs,
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table, TableProperties
from pyiceberg.typedef import Record

# Of rows as long as source files, a row group holds fewer than the table's property allows.
_ROW_GROUP_BYTES = 128 << 20


def write_data_files(table: Table, batches: Iterable[pa.RecordBatch]) -> list[DataFile]:
    """Stream rows into data files, in the order in which they come.

    Files are closed when they have reached the table's ``write.target-file-size-bytes`` on disk, so
    only the last can be smaller. Where something fails no file is left.

    Args:
        table: gives schema, properties and place; nothing is committed to it.
        batches: rows with the columns of the table by name, in types that can be cast to its own.
    """
    files = _RollingFiles(table)
    try:
        with ThreadPoolExecutor(max_workers=1) as encoder:
            pending: Future[None] | None = None
            for rows in _row_groups(batches, files.schema, files.rows_per_group):
                if pending:
                    pending.result()
                pending = encoder.submit(files.write, rows)
            if pending:
                pending.result()
        files.close()
    except BaseException:
        files.discard()
        raise
    return files.written


def target_file_size(table: Table) -> int:
    """Return the size in bytes from which a data file is not too small."""
    return int(
        table.properties.get(
            TableProperties.WRITE_TARGET_FILE_SIZE_BYTES,
            TableProperties.WRITE_TARGET_FILE_SIZE_BYTES_DEFAULT,
        )
    )


def remove_data_files(io: FileIO, files: Iterable[DataFile]) -> None:
    """Remove data files that will not be committed."""
    for file in files:
        with suppress(OSError):
            io.delete(file.file_path)


def _row_groups(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, limit: int
) -> Iterator[pa.Table]:
    buffer: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        arrays = [batch.column(f.name).cast(f.type) for f in schema]
        rest = pa.RecordBatch.from_arrays(arrays, schema=schema)
        while rest.num_rows:
            piece = rest.slice(0, limit - rows)
            rest = rest.slice(piece.num_rows)
            buffer.append(piece)
            rows += piece.num_rows
            size += piece.nbytes
            if rows == limit or size >= _ROW_GROUP_BYTES:
                yield pa.Table.from_batches(buffer)
                buffer, rows, size = [], 0, 0
    if buffer:
        yield pa.Table.from_batches(buffer)


class _RollingFiles:
    """Data files of one table, of which one at a time is open."""

    def __init__(self, table: Table) -> None:
        self.schema = schema_to_pyarrow(table.schema(), include_field_ids=True)
        self.rows_per_group = int(
            table.properties.get(
                TableProperties.PARQUET_ROW_GROUP_LIMIT,
                TableProperties.PARQUET_ROW_GROUP_LIMIT_DEFAULT,
            )
        )
        self.written: list[DataFile] = []
        self._table = table
        self._target_size = target_file_size(table)
        self._location = table.location_provider()
        self._write_id = uuid.uuid4()
        self._open: _OpenFile | None = None

    def write(self, rows: pa.Table) -> None:
        """Write a row group."""
        if self._open is None:
            # Named as PyIceberg names its files.
            name = f"00000-{len(self.written)}-{self._write_id}.parquet"
            path = self._location.new_data_location(name)
            self._open = _OpenFile(self._table, path, self.schema)
        self._open.writer.write_table(rows, row_group_size=self.rows_per_group)
        if self._open.stream.tell() >= self._target_size:
            self.close()

    def close(self) -> None:
        """Complete the open file, if there is one."""
        if self._open is not None:
            self.written.append(self._open.complete())
            self._open = None

    def discard(self) -> None:
        """Remove all files, the open one too."""
        if self._open is not None:
            self._open.discard()
        remove_data_files(self._table.io, self.written)


class _OpenFile:
    """A data file that is being written."""

    def __init__(self, table: Table, path: str, schema: pa.Schema) -> None:
        self.stream = table.io.new_output(path).create()
        # Checksums, by which `obslake verify --deep` sees bytes that have changed and still decode.
        self.writer = pq.ParquetWriter(
            self.stream,
            schema,
            write_page_checksum=True,
            **_get_parquet_writer_kwargs(table.properties),
        )
        self._table = table
        self._path = path

    def complete(self) -> DataFile:
        """Close the file, and describe it for a manifest."""
        self.writer.close()
        size = self.stream.tell()
        self.stream.close()
        schema, properties = self._table.schema(), self._table.properties
        statistics = data_file_statistics_from_parquet_metadata(
            parquet_metadata=self.writer.writer.metadata,
            stats_columns=compute_statistics_plan(schema, properties),
            parquet_column_mapping=parquet_path_to_id_mapping(schema),
        )
        return DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=self._path,
            file_format=FileFormat.PARQUET,
            partition=Record(),
            file_size_in_bytes=size,
            spec_id=self._table.metadata.default_spec_id,
            sort_order_id=None,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )

    def discard(self) -> None:
        """Close the file where it can be closed, and remove it."""
        with suppress(Exception):
            self.stream.close()
        with suppress(OSError):
            self._table.io.delete(self._path)

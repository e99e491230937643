"""Writes and removes the data files of Iceberg tables.

PyIceberg's own writer keeps all rows of a file in memory, and those of the files in its queue. This one keeps
two row groups: one being filled and one being written. For a partitioned table it also keeps further rows, up to
a limit, until they fill a row group of their partition.
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

from obslake.lakehouse.partitions import Key, Partitions

# Size limit of a row group: with rows as long as source files, the table's limit of rows alone would be too high.
_ROW_GROUP_BYTES = 128 << 20

# Limit of all rows that wait for a row group of their partition, and the overhead of one Arrow table.
_WAITING_BYTES = 256 << 20
_PART_BYTES = 8 << 10

# Writers to object stores buffer some megabytes for each open file.
_MOST_OPEN = 128


def write_data_files(table: Table, batches: Iterable[pa.RecordBatch]) -> list[DataFile]:
    """Stream rows into data files, in their order.

    Files are closed when they have reached the table's ``write.target-file-size-bytes`` on disk, so only the last
    file of each partition can be smaller. If more partitions get rows in turn than files may be open, other files
    are smaller too. No file is left after a failure.

    Args:
        table: gives schema, properties and location; nothing is committed to it.
        batches: rows with the columns of the table by name, in types that can be cast to the table's types.

    Raises:
        PartitionError: obslake cannot write the partitions of the table; nothing was written.
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
    """Return the size in bytes at which a data file is closed; smaller files may be compacted."""
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
    """Data files of one table, at most one of them open for each partition."""

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
        self._partitions = Partitions(table)
        self._write_id = uuid.uuid4()
        self._number = 0
        # Ordered by the last write, the most recent last.
        self._open: dict[Key, _OpenFile] = {}
        self._waiting: dict[Key, _Waiting] = {}

    def write(self, rows: pa.Table) -> None:
        """Write a row group; in a partitioned table, as soon as a partition has enough rows."""
        if self._partitions.is_unpartitioned:
            self._write((), rows)
            return
        for key, part in self._partitions.split(rows):
            waiting = self._waiting.setdefault(key, _Waiting())
            waiting.add(part)
            while waiting.rows >= self.rows_per_group:
                self._write(key, waiting.take(self.rows_per_group))
            if waiting.size >= _ROW_GROUP_BYTES:
                self._write(key, waiting.take())
        self._write_waiting()

    def close(self) -> None:
        """Complete all files."""
        for key in [*self._waiting]:
            self._write(key, self._waiting.pop(key).take())
            # So that writing the next partitions need not close another open file.
            self._close(key)
        for key in [*self._open]:
            self._close(key)

    def discard(self) -> None:
        """Remove all files, including the open ones."""
        for file in self._open.values():
            file.discard()
        remove_data_files(self._table.io, self.written)

    def _write_waiting(self) -> None:
        """Write the rows of the largest waiting partitions if there are too many rows in memory."""
        size = sum(waiting.size for waiting in self._waiting.values())
        if size < _WAITING_BYTES:
            return
        for key in sorted(self._waiting, key=lambda k: self._waiting[k].size, reverse=True):
            waiting = self._waiting.pop(key)
            size -= waiting.size
            self._write(key, waiting.take())
            # Down to half the limit, so that this does not happen at every row group.
            if size < _WAITING_BYTES // 2:
                return

    def _write(self, key: Key, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        file = self._open.pop(key, None)
        if file is None:
            if len(self._open) >= _MOST_OPEN:
                self._close(next(iter(self._open)))
            # Named as PyIceberg names its files.
            name = f"00000-{self._number}-{self._write_id}.parquet"
            self._number += 1
            path = self._partitions.new_location(key, name)
            file = _OpenFile(self._table, path, self.schema, key)
        self._open[key] = file
        file.writer.write_table(rows, row_group_size=self.rows_per_group)
        if file.stream.tell() >= self._target_size:
            self._close(key)

    def _close(self, key: Key) -> None:
        if key in self._open:
            self.written.append(self._open[key].complete())
            del self._open[key]


class _Waiting:
    """Rows of a partition that do not fill a row group yet."""

    def __init__(self) -> None:
        self.rows = 0
        self.size = 0
        self._parts: list[pa.Table] = []

    def add(self, rows: pa.Table) -> None:
        """Append rows."""
        self.rows += rows.num_rows
        self.size += rows.nbytes + _PART_BYTES
        self._parts.append(rows)

    def take(self, limit: int | None = None) -> pa.Table:
        """Remove and return all rows, or at most ``limit`` of them."""
        rows = pa.concat_tables(self._parts) if self._parts else pa.table({})
        self.rows, self.size, self._parts = 0, 0, []
        if limit is not None and rows.num_rows > limit:
            self.add(rows.slice(limit))
        return rows.slice(0, limit)


class _OpenFile:
    """A data file that is being written."""

    def __init__(self, table: Table, path: str, schema: pa.Schema, key: Key) -> None:
        self.stream = table.io.new_output(path).create()
        # By these checksums `obslake verify --deep` detects changed bytes that still decode.
        self.writer = pq.ParquetWriter(
            self.stream,
            schema,
            write_page_checksum=True,
            **_get_parquet_writer_kwargs(table.properties),
        )
        self._table = table
        self._path = path
        self._key = key

    def complete(self) -> DataFile:
        """Close the file and return its description for a manifest."""
        self.writer.close()
        size = self.stream.tell()
        self.stream.close()
        schema, properties = self._table.schema(), self._table.properties
        statistics = data_file_statistics_from_parquet_metadata(
            parquet_metadata=self.writer.writer.metadata,
            stats_columns=compute_statistics_plan(schema, properties),
            parquet_column_mapping=parquet_path_to_id_mapping(schema),
        )
        file = DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=self._path,
            file_format=FileFormat.PARQUET,
            partition=Record(*self._key),
            file_size_in_bytes=size,
            sort_order_id=None,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )
        # `from_args` ignores it.
        file.spec_id = self._table.spec().spec_id
        return file

    def discard(self) -> None:
        """Close the file if possible, and remove it."""
        with suppress(Exception):
            self.writer.close()
        # Otherwise the writer would close again, and fail again, when it is garbage-collected.
        self.writer.is_open = False
        with suppress(Exception):
            self.stream.close()
        with suppress(OSError):
            self._table.io.delete(self._path)

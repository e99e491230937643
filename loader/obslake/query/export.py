"""Exports a mart to one Parquet or JSON Lines file.

Rows are read a few problems at a time, in the order of their keys. This bounds memory for marts of any size:
sorting all training examples at once would sort the code in each of them.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from obslake.engine import quote_identifier, quote_literal
from obslake.errors import ExportError
from obslake.progress import Task
from obslake.query.ask import open_marts
from obslake.query.mart_rows import MartRows

Format = Literal["parquet", "jsonl"]


_FORMATS: dict[str, Format] = {".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}

# Size of one row group of Parquet, in which repeated code is written once.
_GROUP_ROWS = 65_536
_GROUP_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes:
        relation: name of the mart.
        output: the file, ``-`` for standard output.
        format: ``parquet`` or ``jsonl``.
        rows: number of rows.
        bytes: size of the file, or bytes written to standard output.
    """

    relation: str
    output: str
    format: Format
    rows: int
    bytes: int


def export(
    home: str | None,
    relation: str,
    output: str,
    task: Task,
    *,
    stdout: IO[bytes],
    form: Format | None = None,
    data_sets: Sequence[str] = (),
    problems: Sequence[str] = (),
    overwrite: bool = False,
) -> Export:
    """Write the rows of a mart to a file, sorted by their key.

    The file appears when it is complete. Parquet is compressed with zstd, JSON Lines with gzip or zstd if the name
    ends with ``.gz`` or ``.zst``.

    Args:
        home: folder of the lakehouse; None: the default one.
        relation: name of a mart.
        output: file to write, ``-`` for ``stdout``.
        task: progress, in rows written.
        stdout: binary stream for the output ``-``.
        form: format; None: by the name of the file.
        data_sets: only rows of these data sets; empty: all.
        problems: only rows of these problems; empty: all.
        overwrite: whether an existing file may be replaced.

    Raises:
        ExportError: there is no such mart, it has no column for ``data_sets`` or ``problems``, the file exists or
            cannot be written, or its name does not determine the format.
        UnknownNameError, QueryError: the marts do not have a data set or problem, or cannot be read.
    """
    form, compression = _form(output, form)
    path = None if output == "-" else Path(output)
    if path is not None:
        _check_target(path, overwrite)
    try:
        # In the folder of the file: renaming is atomic there, and spilled data shares its disk with the file.
        with tempfile.TemporaryDirectory(
            dir=path and path.parent, prefix=".obslake-export-"
        ) as folder:
            work = Path(folder)
            with open_marts(home, temp_directory=work / "spilled") as connection:
                mart = MartRows(connection, relation, data_sets, problems)
                if path is None:
                    rows, size = _write(mart, form, compression, stdout, task)
                    stdout.flush()
                else:
                    with (work / "written").open("wb") as file:
                        rows, size = _write(mart, form, compression, file, task)
            if path is not None:
                # Another process may have created the file meanwhile.
                _check_target(path, overwrite)
                (work / "written").replace(path)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ExportError(f"{output} cannot be written: {error.strerror or error}") from error
    return Export(relation, output, form, rows, size)


def _form(output: str, form: Format | None) -> tuple[Format, str | None]:
    """Return the format of a file and its compression, by its name if ``form`` is None."""
    if output == "-":
        if form == "parquet":
            raise ExportError("Parquet cannot be written to standard output: name a file")
        return "jsonl", None
    *others, last = ["", *Path(output.lower()).suffixes]
    compression = _COMPRESSIONS.get(last)
    named = _FORMATS.get(others[-1] if compression and others else last)
    form = form or named
    if form is None:
        raise ExportError(
            f"{output}: the name ends neither with .parquet nor with .jsonl\n"
            "  choose a format with --format"
        )
    if form == "parquet" and compression:
        raise ExportError(f"{output}: Parquet has its own compression; leave out {last}")
    return form, compression


def _check_target(path: Path, overwrite: bool) -> None:
    if path.exists() and not path.is_file():
        raise ExportError(f"{path} exists and is not a regular file: name a file")
    if not path.parent.is_dir():
        raise ExportError(f"there is no folder {path.parent}")
    if path.exists() and not overwrite:
        raise ExportError(f"{path} exists\n  replace it with --force, or name another file")


def _write(
    mart: MartRows, form: Format, compression: str | None, file: IO[bytes], task: Task
) -> tuple[int, int]:
    """Write all rows to a stream; return the numbers of rows and bytes."""
    counted = _Counted(file)
    sink = pa.PythonFile(counted, mode="w")
    if form == "parquet":
        rows = _write_parquet(mart, sink, task)
    elif compression:
        with pa.CompressedOutputStream(sink, compression) as compressed:
            rows = _write_lines(mart, compressed, task)
    else:
        rows = _write_lines(mart, sink, task)
    return rows, counted.bytes


class _Counted:
    """A stream that counts its bytes and stays open when its writer closes it."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.flush()


def _write_parquet(mart: MartRows, sink: pa.NativeFile, task: Task) -> int:
    selected = ", ".join(quote_identifier(name) for name in mart.columns)
    schema = mart.schema(selected)
    rows = 0
    # Readers of the file get plain texts, whatever type of text Arrow has in memory.
    with pq.ParquetWriter(sink, schema, compression="zstd", store_schema=False) as writer:
        for group in _groups(mart.batches(selected)):
            writer.write_table(pa.Table.from_batches(group, schema), row_group_size=_GROUP_ROWS)
            rows += sum(map(len, group))
            task.advance(sum(map(len, group)))
    return rows


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Yield lists of batches that together reach the size of a row group."""
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if group and (rows + len(batch) > _GROUP_ROWS or size + batch.nbytes > _GROUP_BYTES):
            yield group
            group, rows, size = [], 0, 0
        group.append(batch)
        rows, size = rows + len(batch), size + batch.nbytes
    if group:
        yield group


def _write_lines(mart: MartRows, sink: pa.NativeFile, task: Task) -> int:
    fields = ", ".join(
        f"{quote_literal(name)}: {_json_value(name, kind)}" for name, kind in mart.columns.items()
    )
    rows = 0
    # DuckDB's COPY takes twice as long for the same bytes, and cannot write to this stream.
    for batch in mart.batches(f"to_json({{{fields}}}) || chr(10) as line"):
        lines = batch.column(0)
        # Arrow keeps the texts, which are the lines, contiguous in memory.
        offsets = pa.Array.from_buffers(pa.int64(), len(lines) + 1, [None, lines.buffers()[1]])
        start, end = offsets[lines.offset].as_py(), offsets[lines.offset + len(lines)].as_py()
        sink.write(lines.buffers()[2].slice(start, end - start))
        rows += len(batch)
        task.advance(len(batch))
    return rows


def _json_value(name: str, kind: str) -> str:
    """Return the SQL of a column's value in JSON."""
    column = quote_identifier(name)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%f+00:00')"
    if kind == "DOUBLE":
        # JSON has only finite numbers.
        return f"case when isfinite({column}) then {column} end"
    return column

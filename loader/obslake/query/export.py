"""Exports a mart to one Parquet or JSON Lines file.

Rows are read a few problems at a time, in the order of their keys. This bounds memory for marts of any size:
sorting all training examples at once would sort the code in each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import pyarrow as pa

from obslake.engine import quote_identifier, quote_literal
from obslake.progress import Task
from obslake.query.ask import open_marts
from obslake.query.files import Counted, Format, Target, target_of, write_parquet
from obslake.query.mart_rows import MartRows

_FORMATS: tuple[Format, ...] = ("parquet", "jsonl")


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
    target = target_of(output, _FORMATS, form, "\n  choose a format with --format")
    with (
        target.opened(overwrite, stdout) as (stream, spilled),
        open_marts(home, temp_directory=spilled) as connection,
    ):
        rows = _write(MartRows(connection, relation, data_sets, problems), target, stream, task)
    return Export(relation, output, target.format, rows, stream.bytes)


def _write(mart: MartRows, target: Target, stream: Counted, task: Task) -> int:
    """Write all rows to a stream; return their number."""
    with stream.sink(target.compression) as sink:
        if target.format == "parquet":
            return _write_parquet(mart, sink, task)
        return _write_lines(mart, sink, task)


def _write_parquet(mart: MartRows, sink: pa.NativeFile, task: Task) -> int:
    selected = ", ".join(quote_identifier(name) for name in mart.columns)
    rows = 0
    for written in write_parquet(sink, mart.schema(selected), mart.batches(selected)):
        rows += written
        task.advance(written)
    return rows


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

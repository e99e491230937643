"""How the answer to a query is printed, or written to a file."""

import io
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from obslake.cli.text import echo, has_all_characters, to_json
from obslake.markdown import code_span
from obslake.values import distinct_names, plain

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from obslake.query.files import Target

_MOST_ROWS = 1000

_BATCH_ROWS = 1000
_ARROW_BATCH_ROWS = 2048

# Replaces the lines of drawn tables in encodings that lack them.
_DRAWN_IN_ASCII = str.maketrans("┌┬┐├┼┤└┴┘─│·…", "+++++++++-|..")

_NUMBERS = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    *("FLOAT", "DOUBLE", "DECIMAL"),
)


def echo_table(answer: "duckdb.DuckDBPyRelation") -> None:
    """Print the first rows and the number of rows, in ASCII if the encoding lacks DuckDB's lines."""
    if answer.columns == ["explain_key", "explain_value"]:
        for _, plan in answer.fetchall():
            echo(plan if has_all_characters(sys.stdout) else plan.translate(_DRAWN_IN_ASCII))
        return
    width = _table_width()
    if has_all_characters(sys.stdout):
        answer.show(max_width=width, max_rows=_MOST_ROWS)
        return
    with redirect_stdout(io.StringIO()) as drawn:
        answer.show(max_width=width, max_rows=_MOST_ROWS)
    echo(drawn.getvalue().translate(_DRAWN_IN_ASCII), nl=False)


def _table_width() -> int:
    """Return the width for drawn tables: the terminal's, or 240 if the output is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 240


def echo_json_rows(answer: "duckdb.DuckDBPyRelation") -> None:
    """Print an array with one object per row, without holding all rows in memory."""
    names = distinct_names(answer.columns)
    separator = "\n"
    echo("[", nl=False)
    for row in _rows(answer):
        line = to_json(plain(dict(zip(names, row, strict=True))))
        echo(f"{separator}  {line}", nl=False)
        separator = ",\n"
    echo("\n]")


def echo_csv(answer: "duckdb.DuckDBPyRelation") -> None:
    """Print CSV with a header, in UTF-8 whatever the encoding of the terminal: it is for programs."""
    stream = click.get_binary_stream("stdout")
    for line in _csv_lines(answer):
        stream.write(line)


def echo_markdown(answer: "duckdb.DuckDBPyRelation") -> None:
    """Print a table in GitHub's Markdown, in which texts are code: they cannot format anything."""
    echo(_markdown_row([code_span(name) for name in answer.columns]))
    are_numbers = [str(kind).partition("(")[0] in _NUMBERS for kind in answer.types]
    echo(_markdown_row(["---:" if is_number else "---" for is_number in are_numbers]))
    for row in _rows(answer):
        echo(_markdown_row(map(_markdown_cell, row)))


def _markdown_row(cells: "Iterator[str] | list[str]") -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_cell(value: object) -> str:
    text = _text(value)
    if text is None:
        return "NULL"
    return (
        text if isinstance(value, bool | int | float | Decimal | date | time) else code_span(text)
    )


def target_of_answer(output: str) -> "Target":
    """Return the file for an answer, with the format that its name says.

    Raises:
        ExportError: the name says no known format.
    """
    from obslake.errors import ExportError
    from obslake.query.files import target_of

    if output == "-":
        raise ExportError("standard output gets no file: use --csv or --json instead of -o -")
    return target_of(output, ("parquet", "csv", "jsonl"))


def write_answer(
    answer: "duckdb.DuckDBPyRelation", target: "Target", *, overwrite: bool
) -> tuple[int, int]:
    """Write all rows to a file, which appears when it is complete.

    Returns:
        The number of rows, and the size of the file in bytes.

    Raises:
        ExportError: the file exists or cannot be written, or Parquet has no type for a column.
    """
    with (
        target.opened(overwrite, click.get_binary_stream("stdout")) as (stream, _),
        stream.sink(target.compression) as sink,
    ):
        if target.format == "parquet":
            rows = _write_parquet(answer, sink)
        elif target.format == "csv":
            # The first line is the header.
            rows = _write_lines(_csv_lines(answer), sink) - 1
        else:
            rows = _write_lines(_json_lines(answer), sink)
    return rows, stream.bytes


def _write_lines(lines: Iterator[bytes], sink: "pa.NativeFile") -> int:
    n_lines = 0
    for line in lines:
        sink.write(line)
        n_lines += 1
    return n_lines


def _write_parquet(answer: "duckdb.DuckDBPyRelation", sink: "pa.NativeFile") -> int:
    import pyarrow as pa

    from obslake.errors import ExportError
    from obslake.query.files import write_parquet

    names = distinct_names(answer.columns)
    reader = answer.to_arrow_reader(_ARROW_BATCH_ROWS)
    schema = pa.schema([f.with_name(n) for f, n in zip(reader.schema, names, strict=True)])
    batches = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in reader)
    try:
        return sum(write_parquet(sink, schema, batches))
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ExportError(
            f"Parquet has no type for a column: {error}\n  cast it in the query, or write CSV or JSON Lines"
        ) from error


def _csv_lines(answer: "duckdb.DuckDBPyRelation") -> Iterator[bytes]:
    """Yield the header and the rows as CSV: nulls are empty, empty texts are quoted, nested values are JSON."""
    yield f"{','.join(map(_csv_cell, distinct_names(answer.columns)))}\n".encode()
    for row in _rows(answer):
        yield f"{','.join(map(_csv_cell, row))}\n".encode()


def _csv_cell(value: object) -> str:
    text = _text(value)
    if text is None:
        return ""
    if text and not any(mark in text for mark in ',"\r\n') and text == text.strip():
        return text
    return '"' + text.replace('"', '""') + '"'


def _json_lines(answer: "duckdb.DuckDBPyRelation") -> Iterator[bytes]:
    names = distinct_names(answer.columns)
    for row in _rows(answer):
        value = plain(dict(zip(names, row, strict=True)))
        yield f"{json.dumps(value, ensure_ascii=False)}\n".encode()


def _text(value: object) -> str | None:
    """Return a value as text: nested values as JSON, truth values as in SQL; None if it is null."""
    match value:
        case None | str():
            return value
        case bool() | list() | tuple() | dict():
            return json.dumps(plain(value), ensure_ascii=False)
        case float():
            return repr(value)
        case bytes():
            return str(plain(value))
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _rows(answer: "duckdb.DuckDBPyRelation") -> Iterator[tuple[object, ...]]:
    """Yield the rows without holding all in memory."""
    while batch := answer.fetchmany(_BATCH_ROWS):
        yield from batch

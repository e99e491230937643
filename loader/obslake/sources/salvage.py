"""Lines of CSV and JSON Lines that cannot be read are set aside, and the other rows kept.

The rows that can be told apart are written to a Parquet file, with their numbers in the source:
DuckDB may overlook a line that is broken in a column which a query does not need.
"""

import gzip
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

import duckdb
import pyarrow as pa

from obslake.engine import quote_identifier, quote_literal
from obslake.errors import SourceFormatError
from obslake.sources.base import Options, Reader
from obslake.sources.files import SourceFile, glob_literal, read_head
from obslake.sources.relations import (
    MOST_REJECTED,
    ROW_COLUMN,
    csv_scan,
    json_lines_scan,
    json_scan,
    unreadable,
)
from obslake.sources.set_aside import as_text

_CHUNK = 1 << 20

# Where a quote is not closed it is not known where the next row begins.
_SEPARABLE = ("MISSING COLUMNS", "TOO MANY COLUMNS", "INVALID ENCODING")


def salvage_files(
    connection: duckdb.DuckDBPyConnection,
    reader: Reader,
    files: Sequence[SourceFile],
    options: Options,
) -> list[SourceFile]:
    """Return the files, or what can be read of them, where the reader and the options allow that."""
    if options.max_faulty.is_strict or not reader.salvages_rows:
        return list(files)
    return [salvage(connection, file) for file in files]


def salvage(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> SourceFile:
    """Return the file, or what can be read of it where lines of it were set aside.

    Raises:
        SourceFormatError: it cannot be read, not even in part.
    """
    try:
        if file.format == "csv":
            return _salvage_csv(connection, file)
        if file.format == "json":
            return _salvage_json(connection, file)
    except duckdb.Error as error:
        raise unreadable(file, error) from error
    return file


def _salvage_csv(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> SourceFile:
    scan, columns = csv_scan(connection, file)
    path = [glob_literal(file.path)]
    # Every column, or what is broken in the others would be overlooked.
    counts = ", ".join(f"count({quote_identifier(name)})" for name in columns)
    connection.execute(f"select {counts} from {scan}", path).fetchall()
    rejected = connection.execute(
        """
        select
            line,
            min(cast(error_type as varchar)),
            min_by(error_message, cast(error_type as varchar)),
            min(csv_line),
            min(line_byte_position)
        from reject_errors
        where scan_id = (select max(scan_id) from reject_scans)
        group by line
        order by line
        """
    ).fetchall()
    if not rejected:
        return file
    if len(rejected) >= MOST_REJECTED:
        raise SourceFormatError(
            f"{file.name}: not readable as csv: {MOST_REJECTED:,} lines or more are no rows"
        )
    for line, error, message, *_ in rejected:
        if error not in _SEPARABLE:
            raise SourceFormatError(
                f"{file.name}: not readable as csv: line {line}: {message}\n"
                "  such a line cannot be set aside: where the next one begins is not known"
            )
    connection.execute("create or replace temp table rejected (line bigint)")
    connection.executemany("insert into rejected values (?)", [[line] for line, *_ in rejected])
    names = ", ".join(map(quote_identifier, columns))
    # The header is row 1; each row that was rejected moves those after it by one.
    salvaged = _write(
        connection,
        file,
        f"""
        select {names}, n + (
            select count(*)
            from (select line - row_number() over (order by line) as before from rejected)
            where before < n
        ) as {ROW_COLUMN}
        from (select {names}, row_number() over () + 1 as n from {scan})
        """,
        path,
    )
    header = _header(file)
    for line, error, message, text, position in rejected:
        record = _line_at(file, position) if error == "INVALID ENCODING" else text.strip("\r\n")
        _set_aside(connection, file, line, message, record, header)
    return salvaged


def _salvage_json(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> SourceFile:
    path = [glob_literal(file.path)]
    try:
        connection.execute(f"select count(json) from {json_scan(file)}", path)
    except duckdb.Error:
        # An array that is broken has no lines that stand for themselves.
        if read_head(file.path, file.compression).lstrip()[:1] != b"{":
            raise
    else:
        return file
    scan = json_lines_scan(file)
    numbered = f"(select json, row_number() over () as {ROW_COLUMN} from {scan})"
    rejected = connection.execute(
        f"select {ROW_COLUMN} from {numbered} where json is null order by 1", path
    ).fetchall()
    salvaged = _write(
        connection,
        file,
        f"select cast(json as varchar) as json, {ROW_COLUMN} from {numbered} where json is not null",
        path,
    )
    numbers = {number for (number,) in rejected}
    with _opened(file) as stream:
        lines = enumerate((line for line in stream if line.strip()), start=1)
        for number, line in lines:
            if number in numbers:
                _set_aside(connection, file, number, "is no JSON", line.rstrip(b"\r\n"), None)
    return salvaged


def _write(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, query: str, path: Sequence[str]
) -> SourceFile:
    """Write the rows of a query to a Parquet file, in their order."""
    ((spool,),) = connection.execute("select current_setting('temp_directory')").fetchall()
    with tempfile.NamedTemporaryFile(dir=spool, prefix="rows-", delete=False) as copy:
        target = Path(copy.name)
    connection.execute(f"copy ({query}) to {quote_literal(str(target))} (format parquet)", path)
    return replace(file, path=target, compression="uncompressed", is_salvaged=True)


def _set_aside(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    position: int,
    reason: str,
    record: str | bytes,
    context: str | None,
) -> None:
    text, form = as_text(record.encode() if isinstance(record, str) else record)
    connection.execute(
        "insert into set_aside values (?, ?, null, ?, ?, ?, ?)",
        [file.name, position, reason, text, form, context],
    )
    connection.execute("insert into checked_files values (?, 1, [])", [file.name])


def _header(file: SourceFile) -> str:
    with _opened(file) as stream:
        return stream.readline().decode("utf-8-sig", "replace").rstrip("\r\n")


def _line_at(file: SourceFile, position: int) -> bytes:
    """Return the line that begins at a byte, counted from 1; the end of the one before may be first."""
    with _opened(file) as stream:
        left = position - 1
        while left and (chunk := stream.read(min(left, _CHUNK))):
            left -= len(chunk)
        return stream.readline().strip(b"\r\n") or stream.readline().strip(b"\r\n")


@contextmanager
def _opened(file: SourceFile) -> Iterator[IO[bytes]]:
    if file.compression == "gzip":
        with gzip.open(file.path) as stream:
            yield cast(IO[bytes], stream)
    elif file.compression == "zstd":
        with pa.input_stream(str(file.path), compression="zstd") as stream:
            yield io.BufferedReader(stream)
    else:
        with file.path.open("rb") as stream:
            yield stream

"""Set aside broken lines of CSV and JSON Lines, and keep the other rows.

The valid rows are written to a Parquet file with their numbers in the source, because DuckDB may overlook a
line that is broken in a column which a query does not need.
"""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import duckdb
import pyarrow as pa

from obslake.engine import glob_literal, quote_identifier, quote_literal, temp_directory
from obslake.errors import SourceFormatError
from obslake.load.sources.compression import open_plain
from obslake.load.sources.files import SourceFile, read_head
from obslake.load.sources.relations import CsvScan, csv_scan, json_lines_scan, json_scan, unreadable
from obslake.load.sources.scans import LONGEST_CSV_LINE, ROW_COLUMN
from obslake.load.sources.set_aside import as_text

_BATCH_ROWS = 10_000
_BATCH_BYTES = 16 << 20


def salvage(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> SourceFile:
    """Return the file, or a file of its valid rows if broken lines were set aside.

    Raises:
        SourceFormatError: no part of the file can be read.
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
    found = csv_scan(connection, file)
    columns = found.columns
    # Count every column, because DuckDB overlooks broken lines in columns that are not read.
    counts = ", ".join(f"count({quote_identifier(name)})" for name in columns)
    try:
        connection.execute(
            f"select {counts} from {found.query}", [glob_literal(file.path)]
        ).fetchall()
    except duckdb.Error:
        pass
    else:
        return file
    with _new_file(connection, "lines-") as stream:
        header = io.StringIO(newline="")
        # Quote the header, so that the quote character is detected.
        writer = csv.writer(
            header,
            delimiter=found.delimiter,
            quotechar=found.quote,
            quoting=csv.QUOTE_ALL,
            lineterminator="\n",
        )
        writer.writerow([ROW_COLUMN, *columns])
        stream.write(header.getvalue().encode())
        rows = _Rows(file, found)
        _set_aside(connection, file, rows.separate(stream), _header(file, found.skipped_lines))
    sound = replace(
        file, path=Path(stream.name), compression="uncompressed", delimiter=found.delimiter
    )
    scan = csv_scan(connection, sound).query
    names = ", ".join(map(quote_identifier, columns))
    numbered = f"select {names}, cast({ROW_COLUMN} as bigint) as {ROW_COLUMN} from {scan}"
    salvaged, written = _write(connection, sound, numbered)
    if written != rows.kept:
        raise SourceFormatError(
            f"{file.name}: not readable as csv: {rows.kept:,} rows were found, but {written:,} were read"
        )
    return salvaged


class _Rows:
    """Separates the valid rows of a CSV file from the others.

    DuckDB is not used because it keeps an error of several kilobytes for each surplus or missing field, and
    after an unclosed quote possibly for each line up to the end of the file.

    Attributes:
        kept: number of rows that have the right number of fields and are valid UTF-8.
    """

    def __init__(self, file: SourceFile, scan: CsvScan) -> None:
        self.kept = 0
        self._file = file
        self._delimiter = scan.delimiter
        self._quote = scan.quote
        self._width = len(scan.columns)
        self._skipped_lines = scan.skipped_lines
        self._lines: list[str] = []

    def separate(self, sound: IO[bytes]) -> Iterator[tuple[int, str, bytes]]:
        """Write the valid rows to a file, each after its number; yield number, reason and bytes of the others."""
        number = self._skipped_lines
        limit = csv.field_size_limit(LONGEST_CSV_LINE)
        try:
            with open_plain(self._file.path, self._file.compression) as stream:
                # Separators and quotes are ASCII, so each byte can be treated as a character.
                text = io.TextIOWrapper(stream, encoding="latin-1", newline="")
                for _ in range(self._skipped_lines):
                    next(text)
                reader = csv.reader(
                    self._noted(text),
                    delimiter=self._delimiter,
                    quotechar=self._quote,
                    skipinitialspace=True,
                    strict=True,
                )
                for fields in reader:
                    record = "".join(self._lines).rstrip("\r\n").encode("latin-1")
                    self._lines.clear()
                    # Blank lines do not count, as in DuckDB; the header is row 1.
                    number += bool(fields)
                    if number < self._skipped_lines + 2 or not fields:
                        continue
                    if reason := self._fault(fields, record):
                        yield number, reason, record
                        continue
                    sound.write(f"{number}{self._delimiter}".encode() + record + b"\n")
                    self.kept += 1
        except csv.Error as error:
            raise SourceFormatError(
                f"{self._file.name}: not readable as csv: row {number + 1}: {error}\n"
                "  the row cannot be set aside, because the start of the next row is unknown"
            ) from error
        finally:
            csv.field_size_limit(limit)

    def _noted(self, text: Iterable[str]) -> Iterator[str]:
        """Yield lines, and store those of the current row."""
        size = 0
        for line in text:
            size = len(line) + (size if self._lines else 0)
            if size > LONGEST_CSV_LINE:
                raise csv.Error(
                    f"longer than {LONGEST_CSV_LINE >> 20} MiB, or a quote in it is not closed"
                )
            self._lines.append(line)
            yield line

    def _fault(self, fields: list[str], record: bytes) -> str | None:
        # A trailing delimiter is allowed.
        if len(fields) != self._width and (len(fields) != self._width + 1 or fields[-1]):
            return f"has {len(fields):,} fields instead of {self._width:,}"
        try:
            record.decode()
        except UnicodeDecodeError:
            return "is not valid UTF-8"
        return None


def _salvage_json(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> SourceFile:
    path = [glob_literal(file.path)]
    try:
        connection.execute(f"select count(json) from {json_scan(file)}", path)
    except duckdb.Error:
        # A broken array has no independent lines.
        if read_head(file.path, file.compression).lstrip()[:1] != b"{":
            raise
    else:
        return file
    numbered = f"(select json, row_number() over () as {ROW_COLUMN} from {json_lines_scan(file)})"
    rejected = connection.execute(
        f"select {ROW_COLUMN} from {numbered} where json is null", path
    ).fetchall()
    salvaged, _ = _write(
        connection,
        file,
        f"select cast(json as varchar) as json, {ROW_COLUMN} from {numbered} where json is not null",
    )
    numbers = {number for (number,) in rejected}
    with open_plain(file.path, file.compression) as stream:
        lines = enumerate((line for line in stream if line.strip()), start=1)
        broken = (
            (n, "is not valid JSON", line.rstrip(b"\r\n")) for n, line in lines if n in numbers
        )
        _set_aside(connection, file, broken, None)
    return salvaged


def _write(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, query: str
) -> tuple[SourceFile, int]:
    """Write the rows of a query on a file to a Parquet file, in their order, and count them."""
    with _new_file(connection, "rows-") as copy:
        target = Path(copy.name)
    ((found,),) = connection.execute(
        f"copy ({query}) to {quote_literal(str(target))} (format parquet)",
        [glob_literal(file.path)],
    ).fetchall()
    return replace(file, path=target, compression="uncompressed", is_salvaged=True), found


def _new_file(connection: duckdb.DuckDBPyConnection, prefix: str) -> IO[bytes]:
    return tempfile.NamedTemporaryFile(dir=temp_directory(connection), prefix=prefix, delete=False)


def _set_aside(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    records: Iterable[tuple[int, str, bytes]],
    context: str | None,
) -> None:
    """Set aside records, given as row, reason and bytes."""
    total = 0
    for batch in _batches(records):
        total += len(batch)
        texts = [as_text(record) for _, _, record in batch]
        columns = {
            "position": [position for position, _, _ in batch],
            "reason": [reason for _, reason, _ in batch],
            "record": [text for text, _ in texts],
            "record_form": [form for _, form in texts],
        }
        connection.register("broken_records", pa.table(columns))
        connection.execute(
            "insert into set_aside "
            "select ?, position, null, reason, record, record_form, ? from broken_records",
            [file.name, context],
        )
        connection.unregister("broken_records")
    connection.execute("insert into checked_files values (?, ?, [])", [file.name, total])


def _batches(
    records: Iterable[tuple[int, str, bytes]],
) -> Iterator[list[tuple[int, str, bytes]]]:
    batch: list[tuple[int, str, bytes]] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record[2])
        if len(batch) == _BATCH_ROWS or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _header(file: SourceFile, skipped_lines: int) -> str:
    with open_plain(file.path, file.compression) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        for _ in range(skipped_lines):
            next(text)
        return text.readline().rstrip("\r\n")

"""Write quarantined records to files, so that readers can read them again."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from obslake.engine import quote_identifier, quote_literal
from obslake.load.sources.files import Format, SourceFile
from obslake.load.sources.scans import pointer

# Suffix of the name of the file for CSV lines that could not be split into fields.
LINES = " (lines)"
_LINE = "record_form <> 'row' and context <> 'json'"


@dataclass(frozen=True)
class FileRecords:
    """The records of one file in the table ``retried``, numbered by ``n``.

    The table ``retried_rows`` maps rows of written files to the numbers of their records.

    Attributes:
        connection: has the tables.
        name: name of the file.
        modified_at: when the file was last written.
        columns: columns of all files of its load.
    """

    connection: duckdb.DuckDBPyConnection
    name: str
    modified_at: datetime
    columns: list[str]

    def those(self, condition: str = "true") -> str:
        """Return the SQL relation of the records that meet a condition."""
        return f"(from retried where file = {quote_literal(self.name)} and ({condition}))"

    def written(
        self, path: Path, form: Format, rows: Sequence[tuple[int | None, int]], suffix: str = ""
    ) -> SourceFile:
        """Return a written file as a source; store which record each position has."""
        name = self.name + suffix
        if rows:
            self.connection.executemany(
                "insert into retried_rows values (?, ?, ?)", [[name, *row] for row in rows]
            )
        return SourceFile(path, name, form, "uncompressed", "", self.modified_at)


def write_rows(records: FileRecords, path: Path) -> list[SourceFile]:
    """Write rows with their columns as text, and lines that were not rows."""
    files = []
    connection = records.connection
    # A corrected line may be valid JSON now; lines that are still invalid stay set aside.
    rows = records.those(
        "record_form = 'row' or (record_form = 'text' and context is null and json_valid(record))"
    )
    if records.columns and connection.execute(f"from {rows} limit 1").fetchall():
        texts = ", ".join(
            f"json_extract_string(json, {quote_literal(pointer(c))}) as {quote_identifier(c)}"
            for c in records.columns
        )
        connection.execute(
            f"copy (select {texts} from (select n, cast(record as json) as json from {rows}) "
            f"order by n) to {quote_literal(str(path))} (format parquet)"
        )
        connection.execute(
            f"insert into retried_rows select ?, row_number() over (order by n), n from {rows}",
            [records.name],
        )
        files.append(records.written(path, "parquet", []))
    lines = connection.execute(
        f"select n, record, record_form, context from {records.those(_LINE)} order by n"
    ).fetchall()
    if lines:
        path = path.with_suffix(".lines")
        header = lines[0][3].encode()
        content = [header, *(as_bytes(record, form) for _, record, form, _ in lines)]
        path.write_bytes(b"".join(line + b"\n" for line in content))
        places = [(position, n) for position, (n, *_) in enumerate(lines, start=2)]
        files.append(records.written(path, "csv", places, LINES))
    return files


def as_bytes(record: Any, form: str) -> bytes:
    """Return the original bytes of a record, from its text and its ``record_form``."""
    return b64decode(record) if form == "base64" else str(record).encode()

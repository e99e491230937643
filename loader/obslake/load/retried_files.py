"""Records of the quarantine as files again, which readers read."""

from base64 import b64decode
from pathlib import Path

import duckdb

from obslake.engine import quote_identifier, quote_literal, set_variables
from obslake.load.sources.base import Reader
from obslake.load.sources.files import Format, SourceFile
from obslake.load.sources.scans import pointer

# Lines of a CSV file that were no rows stand in a file of their own.
LINES = " (lines)"


def write_records(
    connection: duckdb.DuckDBPyConnection, folder: Path, reader: Reader, columns: list[str]
) -> list[SourceFile]:
    """Write the records to files that the reader reads.

    The table ``retried_rows`` says which row of which of these files a record is.
    """
    connection.execute("create temp table retried_rows (file varchar, position bigint, n bigint)")
    write = {"recording": _write_sessions, "junit": _write_whole}.get(reader.name)
    groups = connection.execute(
        "select file, max(file_time) from retried group by file order by file"
    ).fetchall()
    files = []
    for number, (name, file_time) in enumerate(groups):
        path = folder / f"retried-{number}"
        if write:
            form = write(connection, path, name)
            files.append(SourceFile(path, name, form, "uncompressed", "", file_time))
            continue
        if _write_rows(connection, path, name, columns):
            files.append(SourceFile(path, name, "parquet", "uncompressed", "", file_time))
        lines = path.with_suffix(".lines")
        if _write_lines(connection, lines, name):
            files.append(SourceFile(lines, name + LINES, "csv", "uncompressed", "", file_time))
    return files


def _write_rows(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, columns: list[str]
) -> bool:
    """Write rows as they were seen: their columns as text."""
    set_variables(connection, {"retried_file": name})
    # A line that was no JSON may be one now; what is still none stays set aside.
    connection.execute(
        """
        create or replace temp view rows_of_file as
        select n, cast(record as json) as json
        from retried
        where
            file = getvariable('retried_file')
            and (record_form = 'row' or (record_form = 'text' and context is null and json_valid(record)))
        """
    )
    texts = ", ".join(
        f"json_extract_string(json, {quote_literal(pointer(c))}) as {quote_identifier(c)}"
        for c in columns
    )
    ((number,),) = connection.execute("select count(*) from rows_of_file").fetchall()
    if not number or not columns:
        return False
    connection.execute(
        f"copy (select {texts} from rows_of_file order by n) to {quote_literal(str(path))} "
        "(format parquet)"
    )
    connection.execute(
        "insert into retried_rows select ?, row_number() over (order by n), n from rows_of_file",
        [name],
    )
    return True


def _write_lines(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> bool:
    """Write lines of a CSV file below its header."""
    rows = connection.execute(
        "select n, record, record_form, context from retried "
        "where file = ? and record_form <> 'row' and context <> 'json' order by n",
        [name],
    ).fetchall()
    if not rows:
        return False
    with path.open("wb") as stream:
        stream.write(rows[0][3].encode() + b"\n")
        for _, record, form, _ in rows:
            stream.write(_bytes(record, form) + b"\n")
    connection.executemany(
        "insert into retried_rows values (?, ?, ?)",
        [[name + LINES, position, n] for position, (n, *_) in enumerate(rows, start=2)],
    )
    return True


def _write_sessions(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> Format:
    """Write lines of a recording, each below its session."""
    rows = connection.execute(
        "select n, record, context from retried where file = ? order by n", [name]
    )
    session = None
    position = 0
    places = []
    with path.open("w", encoding="utf-8") as stream:
        while batch := rows.fetchmany(1000):
            for n, record, context in batch:
                if context not in (None, session):
                    stream.write(context + "\n")
                    position += 1
                session = context or record
                stream.write(record + "\n")
                position += 1
                places.append([name, position, n])
    connection.executemany("insert into retried_rows values (?, ?, ?)", places)
    return "json"


def _write_whole(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> Format:
    """Write a file as it was."""
    ((n, record, form),) = connection.execute(
        "select n, record, record_form from retried where file = ?", [name]
    ).fetchall()
    path.write_bytes(_bytes(record, form))
    connection.execute("insert into retried_rows values (?, null, ?)", [name, n])
    return "csv"


def _bytes(record: str, form: str) -> bytes:
    return b64decode(record) if form == "base64" else record.encode()

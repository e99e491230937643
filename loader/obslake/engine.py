"""Opens DuckDB connections with the Iceberg extension; the only module that quotes SQL text."""

import importlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

DEFAULT_MEMORY_LIMIT = "2GB"

# In the order of their dependencies.
EXTENSIONS = ("httpfs", "avro", "iceberg")


def connect(
    database: str | Path = ":memory:",
    *,
    read_only: bool = False,
    temp_directory: Path | None = None,
    with_iceberg: bool = True,
    threads: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB connection.

    Args:
        database: file of the database, or ``:memory:``.
        read_only: open the file read-only.
        temp_directory: folder for results larger than the memory limit, ``$OBSLAKE_MEMORY_LIMIT`` (default
            2GB). Without a folder, the limit is DuckDB's own.
        with_iceberg: load the extensions for Iceberg tables (a third of a second); data files do not need them.
        threads: number of threads; by default one per processor.

    Returns:
        A connection whose session time zone is UTC.
    """
    # DuckDB must report a missing extension rather than look for it on the network.
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if temp_directory is not None:
        config["temp_directory"] = str(temp_directory)
        config["memory_limit"] = os.environ.get("OBSLAKE_MEMORY_LIMIT", DEFAULT_MEMORY_LIMIT)
    if threads is not None:
        config["threads"] = threads
    connection = duckdb.connect(database, read_only=read_only, config=config)
    if with_iceberg:
        load_extensions(connection)
    connection.execute("set TimeZone = 'UTC'")
    # Data files never change once they are written.
    connection.execute("set parquet_metadata_cache = true")
    # Progress is shown by obslake itself, and only on a terminal.
    connection.execute("set enable_progress_bar = false")
    return connection


def load_extensions(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str] = EXTENSIONS
) -> None:
    """Load Iceberg and its dependencies, or some of them, from the installed wheels, without downloads.

    DuckDB first checks the signatures of the files, which together have 80 MB.
    """
    for name in names:
        package = importlib.import_module(f"duckdb_extension_{name}")
        path = next(Path(package.__path__[0]).rglob("*.duckdb_extension"))
        connection.execute(f"load {quote_literal(str(path))}")


def quote_literal(text: str) -> str:
    """Return ``text`` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_identifier(name: str) -> str:
    """Return ``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def glob_literal(path: Path | str) -> str:
    """Return a path as a DuckDB file pattern that matches only this path."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def set_variables(connection: duckdb.DuckDBPyConnection, variables: dict[str, object]) -> None:
    """Pass values to SQL, which reads them with ``getvariable``; values never become SQL text."""
    for name, value in variables.items():
        if isinstance(value, list) and all(isinstance(element, str) for element in value):
            set_nested_variable(connection, name, value, "varchar[]")
        else:
            connection.execute(f"set variable {quote_identifier(name)} = ?", [value])


def set_nested_variable(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    value: Sequence[str] | Mapping[Any, object],
    sql_type: str,
) -> None:
    """Pass a list or a map to SQL.

    As a parameter, each of its elements would be planned as an expression: a thousand take half a second.

    Args:
        connection: gets the variable.
        name: name of the variable.
        value: the value, as JSON has it.
        sql_type: its type, such as ``map(varchar, varchar)``.
    """
    connection.execute(
        f"set variable {quote_identifier(name)} = cast(cast(? as json) as {sql_type})",
        [json.dumps(value)],
    )


def temp_directory(connection: duckdb.DuckDBPyConnection) -> Path:
    """Return the folder that a connection spills to."""
    ((folder,),) = connection.execute("select current_setting('temp_directory')").fetchall()
    return Path(folder)


def run_sql_file(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Execute the statements of a file."""
    connection.execute(path.read_text(encoding="utf-8"))


def lock_holder(error: duckdb.Error) -> str | None:
    """Return the process that keeps DuckDB from opening a file; None if the error has another cause."""
    if not isinstance(error, duckdb.IOException) or "Could not set lock" not in str(error):
        return None
    pid = re.search(r"PID (\d+)", str(error))
    return f"process {pid[1]}" if pid else "another process"


def reason(error: duckdb.Error) -> str:
    """Return DuckDB's message in one line, without its advice on settings and SQL."""
    lines = []
    for line in str(error).expandtabs(1).splitlines():
        if line.startswith(("Possible", "LINE")):
            break
        if line.strip() and not line.startswith("Original Line"):
            lines.append(line.strip())
    text = re.sub(r"^([A-Z][A-Za-z ]+ Error: )+", "", "; ".join(lines))
    text = re.sub(r"^CSV Error on Line: (\d+);", r"line \1:", text)
    file = re.search(r"^  file = (.*)$", str(error), re.MULTILINE)
    return f"{file[1]}: {text}" if file else text

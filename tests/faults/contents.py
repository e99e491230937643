"""The contents of a lakehouse as readers see them, and its files."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import duckdb
from obslake import engine
from obslake.engine import quote_identifier, quote_literal
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.moved import local_path
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS
from obslake.lakehouse.workfolder import PREFIXES

from tests.harness.commands import Commands, Ended

Contents = dict[str, Counter[str]]

# Columns that differ if the same source is loaded twice.
_OF_THE_LOAD = ("load_id", "set_aside_at")

QUERY = " union all ".join(
    f"select {quote_literal(t.name)} as name, to_json(r)::varchar as row from lake.{t.name} as r"
    for t in ALL_TABLES
)


def seen_by_obslake(commands: Commands, home: Path) -> Contents:
    """Return the rows of all tables from ``obslake sql``."""
    answer = commands.run("obslake", "--home", home, "sql", QUERY, "--json")
    return contents_of(answer)


def contents_of(answer: Ended) -> Contents:
    """Return the rows of all tables printed by a command."""
    assert answer.status == 0, answer.err
    found: Contents = {t.name: Counter() for t in ALL_TABLES}
    for each in json.loads(answer.out):
        found[each["name"]][_row(each["row"])] += 1
    return found


class BareReader:
    """DuckDB without obslake, which reads the observations through the catalog."""

    def __init__(self) -> None:
        self._connection = engine.connect()
        self._connection.execute("set parquet_metadata_cache = false")

    def close(self) -> None:
        self._connection.close()

    def observations(self, home: Path) -> Counter[str]:
        """Return the rows."""
        name, catalog = OBSERVATIONS.name, home / "catalog.db"
        # Not read-only: SQLite rolls back the transaction of a killed process at the next read.
        with closing(sqlite3.connect(catalog)) as connection:
            ((location,),) = connection.execute(
                "select metadata_location from iceberg_tables where table_name = ?", [name]
            ).fetchall()
        rows = self._connection.execute(
            f"select to_json(r)::varchar from iceberg_scan({quote_literal(location)}) as r"
        ).fetchall()
        return Counter(_row(row) for (row,) in rows)


def marts(path: Path) -> Contents | None:
    """Return the rows of the marts as a plain DuckDB sees them; None if there is no file."""
    if not path.exists():
        return None
    with duckdb.connect(path, read_only=True) as connection:
        tables = connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'main' and table_type = 'BASE TABLE'"
        ).fetchall()
        return {
            name: Counter(
                map(repr, connection.execute(f"from {quote_identifier(name)}").fetchall())
            )
            for (name,) in tables
        }


def unneeded_files(home: Path) -> set[Path]:
    """Return the files of tables that no snapshot needs, and the folders left by processes."""
    lakehouse = Lakehouse.open(home)
    needed: set[Path] = set()
    stored: set[Path] = set()
    for definition in filter(lakehouse.has, ALL_TABLES):
        table = lakehouse.table(definition)
        needed.add(local_path(table.metadata_location))
        needed.update(local_path(entry.metadata_file) for entry in table.metadata.metadata_log)
        for snapshot in table.snapshots():
            needed.add(local_path(snapshot.manifest_list))
            for manifest in snapshot.manifests(table.io):
                needed.add(local_path(manifest.manifest_path))
                entries = manifest.fetch_manifest_entry(table.io)
                needed.update(local_path(entry.data_file.file_path) for entry in entries)
        stored.update(p for p in local_path(table.location()).rglob("*") if p.is_file())
    folders = {p for p in home.glob(".*") if p.name.startswith(PREFIXES)}
    return (stored - needed) | folders


def _row(text: str) -> str:
    """Return a text that is the same for equal rows."""
    values: Mapping[str, object] = json.loads(text)
    return json.dumps(
        {name: value for name, value in values.items() if name not in _OF_THE_LOAD}, sort_keys=True
    )

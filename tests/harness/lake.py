"""A lakehouse in its own folder, used through the command line within this process."""

import csv
import gc
import gzip
import io
import json
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from obslake.cli.app import cli
from obslake.errors import ObslakeError, RecordsSetAsideError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import ALL_TABLES, TableDefinition
from pyiceberg.manifest import clear_manifest_cache

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Lake:
    """A lakehouse and a folder for source files, without the cost of a process per command."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "lake"

    def obslake(self, *arguments: object, stdin: bytes | None = None) -> tuple[str, str]:
        """Run a command that must succeed; return standard output and standard error."""
        result = CliRunner().invoke(
            cli, ["--home", str(self.home), *map(str, arguments)], input=stdin
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.stderr
        return result.stdout, result.stderr

    def load(self, kind: str, *arguments: object, stdin: bytes | None = None) -> dict[str, Any]:
        """Load, and return the report with standard error as ``stderr``."""
        out, err = self.obslake("load", kind, *arguments, "--json", stdin=stdin)
        return {**json.loads(out), "stderr": err}

    def load_partly(
        self, kind: str, *arguments: object, max_faulty: object = "100%", stdin: bytes | None = None
    ) -> dict[str, Any]:
        """Run a load that must set records aside; return the report with the message as ``message``."""
        options = ["load", kind, *arguments, "--max-faulty", max_faulty, "--json"]
        result = CliRunner().invoke(
            cli, ["--home", str(self.home), *map(str, options)], input=stdin
        )
        if not isinstance(result.exception, RecordsSetAsideError):
            raise result.exception or AssertionError(result.stdout)
        return {**json.loads(result.stdout), "message": str(result.exception)}

    def quarantine(self, *options: object) -> Any:
        """Return the output of ``obslake quarantine``."""
        return json.loads(self.obslake("quarantine", "--json", *options)[0])

    def refused(self, kind: str, *arguments: object, stdin: bytes | None = None) -> str:
        """Run a load that must fail and leave every table unchanged; return the message."""
        before = self.snapshots()
        with pytest.raises(ObslakeError) as refusal:
            self.obslake("load", kind, *arguments, stdin=stdin)
        assert self.snapshots() == before
        assert not list(self.home.glob(".load-*"))
        return str(refusal.value)

    def open(self) -> Lakehouse:
        return Lakehouse.open(self.home, create=True)

    def snapshots(self) -> dict[str, int | None]:
        """Return the id of each table's current snapshot."""
        lakehouse = self.open()
        found = {}
        for definition in ALL_TABLES:
            snapshot = lakehouse.table(definition).current_snapshot()
            found[definition.name] = snapshot.snapshot_id if snapshot else None
        return found

    def rows(self, table: str, *columns: str, **equal: object) -> list[Any]:
        """Return the rows with these values, as dictionaries or as tuples of columns."""
        (definition,) = (d for d in ALL_TABLES if d.name == table)
        found = [
            {k: dict(v) if k == "attributes" and v is not None else v for k, v in row.items()}
            for row in self._scan(definition)
            if all(row[column] == value for column, value in equal.items())
        ]
        if not columns:
            return found
        return sorted((tuple(r[c] for c in columns) for r in found), key=repr)

    def row(self, table: str, **equal: object) -> dict[str, Any]:
        """Return the only row with these values."""
        found = self.rows(table, **equal)
        assert len(found) == 1, found
        return found[0]

    def _scan(self, definition: TableDefinition) -> list[dict[str, Any]]:
        # Read by PyIceberg, not by the engine that wrote the rows.
        return self.open().table(definition).scan().to_arrow().to_pylist()

    def parquet(self, name: str, rows: Sequence[Row], schema: pa.Schema | None = None) -> Path:
        path = self.folder / name
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
        return path

    def jsonl(self, name: str, rows: Iterable[object]) -> Path:
        return self.write(name, "".join(json.dumps(row) + "\n" for row in rows))

    def csv(self, name: str, rows: Sequence[Row], delimiter: str = ",") -> Path:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
        return self.write(name, text.getvalue())

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file, compressed according to its suffix."""
        path = self.folder / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path


def observation(**columns: object) -> dict[str, Any]:
    """Return a row with the four required columns and the given ones."""
    return {
        "problem_id": "p",
        "implementation_id": "i",
        "test_id": "t",
        "output": "1",
        **columns,
    }


@dataclass(frozen=True)
class _Template:
    """The files of `obslake init`: a catalog, and the metadata of empty tables."""

    home: Path
    catalog: bytes
    metadata: Mapping[str, str]


@cache
def _template() -> _Template:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "lake"
        Lakehouse.open(home, create=True)
        files = [path for path in (home / "warehouse").rglob("*") if path.is_file()]
        metadata = {str(path.relative_to(home)): path.read_text() for path in files}
        with closing(sqlite3.connect(home / "catalog.db")) as catalog:
            return _Template(home, catalog.serialize(), metadata)


def place_lakehouse(home: Path) -> None:
    """Create an empty lakehouse as `obslake init` does, at a hundredth of its cost.

    Iceberg refers to files by absolute paths, and identifies tables by their ids.
    """
    template = _template()
    there, here = f"file://{template.home}/", f"file://{home}/"
    home.mkdir(parents=True)
    for name, text in template.metadata.items():
        (home / name).parent.mkdir(parents=True)
        text = text.replace(json.dumps(there)[1:-1], json.dumps(here)[1:-1])
        text, n = re.subn('("table-uuid":")[^"]*', rf"\g<1>{uuid4()}", text)
        assert n == 1, text
        (home / name).write_text(text)
    with closing(sqlite3.connect(":memory:")) as catalog:
        catalog.deserialize(template.catalog)
        moved = "replace(metadata_location, ?, ?)"
        catalog.execute(f"update iceberg_tables set metadata_location = {moved}", (there, here))
        catalog.commit()
        (home / "catalog.db").write_bytes(catalog.serialize())


class KeptLakes:
    """Lakehouses that are created once, and restored at the same path for every test.

    Manifests contain absolute paths, and are compressed: a lakehouse with rows can be restored, but not
    moved. So it must not be used after the test.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, Path] = {}

    def get(self, name: str, make: Callable[[Lake], object]) -> Lake:
        """Return a lakehouse created from an empty one.

        Args:
            name: name of the lakehouse, for all tests of this process.
            make: fills the empty lakehouse.
        """
        lake = Lake(self._folder / name)
        if name not in self._kept:
            lake.folder.mkdir()
            place_lakehouse(lake.home)
            make(lake)
            self._kept[name] = lake.folder.with_suffix(".kept")
            shutil.copytree(lake.folder, self._kept[name])
        else:
            # DuckDB opens a file once per process, and a failure that pytest keeps holds connections open.
            gc.collect()
            shutil.rmtree(lake.folder)
            # A test may have created other files with the names of restored ones.
            clear_manifest_cache()
            shutil.copytree(self._kept[name], lake.folder)
        return lake

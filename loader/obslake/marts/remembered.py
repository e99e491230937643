"""The last complete build, by which ``obslake build`` knows whether there is anything to do."""

import json
import sqlite3
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from pyiceberg.utils.config import Config

from obslake.lakehouse.home import (
    BUILDING_FOLDER,
    CATALOG_FILE,
    CATALOG_NAME,
    MARTS_FILE,
    NAMESPACE,
    identity,
)

_FILE = Path(BUILDING_FOLDER, "built.json")


@dataclass(frozen=True)
class Build:
    """What a build read, and the file that it published.

    Attributes:
        inputs: hash of the project (``hash_of_inputs``).
        tables: address of the metadata of each Iceberg table, as it was before the build.
        marts: identity of the published file.
    """

    inputs: str
    tables: dict[str, str]
    marts: str


def last_build(home: Path) -> Build | None:
    """Return the last complete build; None if it is unknown."""
    try:
        return Build(**json.loads((home / _FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def remember(home: Path, build: Build) -> None:
    """Store a complete build. If the file cannot be written, the next command runs dbt."""
    written = (home / _FILE).with_suffix(".new")
    with suppress(OSError):
        written.write_text(json.dumps(asdict(build), indent=1))
        written.replace(home / _FILE)


def published(home: Path) -> str:
    """Return the identity of the published marts; empty if there are none."""
    return identity(home / MARTS_FILE)


def tables_of(home: Path) -> dict[str, str]:
    """Return the address of the current metadata of each table, by its name.

    Raises:
        ObslakeError: there is no lakehouse, or its catalog does not respond.
    """
    if not Config().get_catalog_config(CATALOG_NAME) and (found := _read_catalog_file(home)):
        return found
    # Takes a second, most of it for imports.
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.lakehouse.schemas import ALL_TABLES

    lakehouse = Lakehouse.open(home)
    tables = [lakehouse.table(each) for each in ALL_TABLES if lakehouse.has(each)]
    return {table.name()[-1]: table.metadata_location for table in tables}


def _read_catalog_file(home: Path) -> dict[str, str]:
    """Read the default catalog without PyIceberg; if it cannot be read, PyIceberg tells why."""
    try:
        address = f"file:{quote(str(home / CATALOG_FILE))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as catalog:
            rows = catalog.execute(
                "select table_name, metadata_location from iceberg_tables "
                "where catalog_name = ? and table_namespace = ?",
                [CATALOG_NAME, NAMESPACE],
            )
            return dict(rows)
    except sqlite3.Error:
        return {}

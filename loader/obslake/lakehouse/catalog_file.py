"""Reads the default catalog without PyIceberg's own, whose imports alone take longer than many commands need."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from pyiceberg.utils.config import Config

from obslake.lakehouse.home import CATALOG_FILE, CATALOG_NAME, NAMESPACE

# Each of many writers may lock the file for a moment, so SQLite waits for the lock; PyIceberg tries twice.
LOCK_TIMEOUT_SECONDS = 30
_AT_ONCE_SECONDS = 1


def has_default_catalog() -> bool:
    """Whether the catalog is the default one, a file below the home folder."""
    return not Config().get_catalog_config(CATALOG_NAME)


def locations_at_once(home: Path) -> dict[str, str]:
    """Return the address of the current metadata of each table, by the table's name.

    Returns:
        Nothing if the catalog is not the default one, or cannot be read at once; PyIceberg reads it, or tells why.
    """
    with suppress(sqlite3.Error):
        return metadata_locations(home, timeout=_AT_ONCE_SECONDS) if has_default_catalog() else {}
    return {}


def metadata_locations(home: Path, *, timeout: float | None = None) -> dict[str, str]:
    """Return the address of the current metadata of each table in the default catalog, by the table's name.

    Args:
        home: folder of the lakehouse.
        timeout: seconds to wait for the file, which a writer may have locked [default: LOCK_TIMEOUT_SECONDS].

    Raises:
        sqlite3.Error: the catalog cannot be read.
    """
    address = f"file:{quote(str(home / CATALOG_FILE))}?mode=ro"
    wait = LOCK_TIMEOUT_SECONDS if timeout is None else timeout
    with closing(sqlite3.connect(address, timeout=wait, uri=True)) as catalog:
        rows = catalog.execute(
            "select table_name, metadata_location from iceberg_tables "
            "where catalog_name = ? and table_namespace = ?",
            [CATALOG_NAME, NAMESPACE],
        )
        return dict(rows)

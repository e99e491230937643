"""Views that an earlier process left in a DuckDB file, used again if no table has changed.

Only local files and the default catalog are looked at, without PyIceberg: its imports would take a good part of
a build that finds nothing new.
"""

import filecmp
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import duckdb

from obslake.engine import quote_literal
from obslake.lakehouse.catalog_file import locations_at_once
from obslake.lakehouse.moved import LOCAL_SCHEMES, check_not_moved, local_path

# A view of one row, which has the version of all views as its comment.
_VIEW = "lake.shown"
_CODE = Path(__file__).parent


def local_tables(home: Path) -> dict[str, str] | None:
    """Return the address of the current metadata of each table, if all are local files that exist; else None.

    Raises:
        MovedLakehouseError: the folder was moved or copied.
    """
    locations = locations_at_once(home)
    if not locations or not all(map(_is_local_file, locations.values())):
        return None
    check_not_moved(home, locations)
    return locations


def version_of_views(locations: Mapping[str, str], as_of_snapshot: int | None, keep: Path) -> str:
    """Return a hash of all that decides what views show: the tables, the chosen snapshot, copies, and the code."""
    parts = [repr(sorted(locations.items())), repr(as_of_snapshot), str(keep), duckdb.__version__]
    parts += [file.read_text(encoding="utf-8") for file in sorted(_CODE.glob("*.py"))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def has_views(
    connection: duckdb.DuckDBPyConnection, version: str, locations: Mapping[str, str], keep: Path
) -> bool:
    """Whether the file has the views of a version, and the copies of metadata that they read."""
    schema, name = _VIEW.split(".")
    found = connection.execute(
        "select view_name, comment from duckdb_views() "
        "where database_name = current_database() and schema_name = ?",
        [schema],
    ).fetchall()
    views = dict(found)
    if views.get(name) != version or not views.keys() >= locations.keys():
        return False
    try:
        for table, location in locations.items():
            copy = kept_copy(table, location, keep)
            # A crash of the machine may have damaged it.
            if not filecmp.cmp(copy, local_path(location), shallow=False):
                return False
            # Others remove copies that look unused for a day.
            os.utime(copy)
    except OSError:
        return False
    return True


def note_views(connection: duckdb.DuckDBPyConnection, version: str) -> None:
    """Write down the version of the views, once all of them are there."""
    connection.execute(f"comment on view {_VIEW} is {quote_literal(version)}")


def kept_copy(name: str, location: str, folder: Path) -> Path:
    """Return the path of the copy of a metadata file in a folder."""
    # Each version of a table has its own name, so existing copies are not changed.
    return folder / f"{name}-{PurePosixPath(location).name}"


def _is_local_file(location: str) -> bool:
    return urlsplit(location).scheme in LOCAL_SCHEMES and local_path(location).is_file()

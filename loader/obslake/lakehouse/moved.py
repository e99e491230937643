"""Whether the tables of a lakehouse stand where they were made."""

import re
from pathlib import Path
from urllib.parse import urlparse

from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from sqlalchemy import select

from obslake.errors import (
    MovedLakehouseError,
)
from obslake.lakehouse.schemas import NAMESPACE


def check_not_moved(path: Path, catalog: SqlCatalog) -> None:
    """Check that the tables stand below the folder of their catalog.

    Iceberg names all files by their whole paths. A copy whose original is still there would read, and
    remove, the files of the original.
    """
    with catalog.engine.connect() as connection:
        known = select(IcebergTables.table_name, IcebergTables.metadata_location).where(
            IcebergTables.catalog_name == catalog.name,
            IcebergTables.table_namespace == NAMESPACE,
        )
        locations = connection.execute(known).all()
    for name, location in locations:
        # Addresses of other systems than the file system are none of a folder that was moved.
        if not location or urlparse(location).scheme not in ("", "file"):
            continue
        file = local_path(location)
        if file.resolve().is_relative_to(path.resolve()):
            continue
        # <home>/warehouse/<namespace>/<table>/metadata/<file>
        former = file.parents[4] if len(file.parents) > 4 else file.parent
        what = (
            f"the lakehouse at {path} was moved or copied: its table {name} names files in {former}"
        )
        if file.exists():
            advice = "which is still there\n  use that one, or load its sources into a new one"
        else:
            advice = (
                "which is not there any more\n"
                "  move it back there, put a link there that leads to where it is now, or load its sources "
                "into a new one"
            )
        raise MovedLakehouseError(
            f"{what}, {advice}\n"
            "  Iceberg keeps the whole path of every file: a lakehouse works at its own place only"
        )


def local_path(location: str) -> Path:
    """Return the path of a file that Iceberg names by its address in the file system."""
    # Java writes file:/path. All write paths as they are: what looks like an escape is a part of the name.
    return Path(re.sub(r"^file:(//)?(?=/)", "", location))

"""Whether the tables of a lakehouse are where they were created."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

from obslake.errors import MovedLakehouseError

LOCAL_SCHEMES = ("", "file")


def check_not_moved(path: Path, locations: Mapping[str, str]) -> None:
    """Check that the tables are below the folder of their catalog.

    Iceberg stores full paths of files, so a copy would read, and remove, the files of its original.

    Args:
        path: the folder.
        locations: address of the metadata of each table.

    Raises:
        MovedLakehouseError: a table names files elsewhere.
    """
    for name, location in locations.items():
        # Addresses outside the file system do not change with the folder.
        if not location or urlparse(location).scheme not in LOCAL_SCHEMES:
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
            advice = "which still exist\n  use that lakehouse, or load its sources into a new one"
        else:
            advice = (
                "which no longer exist\n"
                "  move it back, create a link there that leads to the new place, or load its "
                "sources into a new lakehouse"
            )
        raise MovedLakehouseError(
            f"{what}, {advice}\n"
            "  Iceberg stores the full path of every file, so a lakehouse works only in its own place"
        )


def local_path(location: str) -> Path:
    """Return the path of a file from its address in Iceberg metadata."""
    # Java writes file:/path. No tool percent-encodes the path: what looks like an escape is part of the name.
    return Path(re.sub(r"^file:(//)?(?=/)", "", location))

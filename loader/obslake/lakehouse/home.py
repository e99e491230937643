"""Where a lakehouse is, and what its parts are called."""

import os
from pathlib import Path

DEFAULT_HOME = "lake"
MARTS_FILE = "obslake.duckdb"
BUILDING_FOLDER = "building"
CATALOG_FILE = "catalog.db"
CATALOG_NAME = "obslake"
NAMESPACE = "obslake"


def home_folder(home: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of a lakehouse: ``home``, else ``$OBSLAKE_HOME``, else ``./lake``."""
    return Path(home or os.environ.get("OBSLAKE_HOME") or DEFAULT_HOME).expanduser().absolute()


def identity(file: Path) -> str:
    """Return a string that changes whenever a file is written or replaced; an empty one if there is no file."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"

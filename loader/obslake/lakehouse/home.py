"""Where a lakehouse is."""

import os
from pathlib import Path

DEFAULT_HOME = "lake"
MARTS_FILE = "obslake.duckdb"


def home_folder(home: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of a lakehouse: ``home``, else ``$OBSLAKE_HOME``, else ``./lake``."""
    return Path(home or os.environ.get("OBSLAKE_HOME") or DEFAULT_HOME).expanduser().absolute()

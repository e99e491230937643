"""Folders for the temporary files of one process, and whether their process is still running."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

PREFIXES = (".load-", ".compact-", ".expire-", ".forget-", ".pin-", ".rollback-", ".verify-")
_LOCK = ".lock"


@contextmanager
def work_folder(home: Path, prefix: str) -> Iterator[Path]:
    """Create a folder below the lakehouse's that is locked while this process uses it, and removed afterwards.

    A process that commits holds one until it has finished. Before the commit nothing refers to the files that it
    writes, and without the lock they would be taken for orphans.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=home, prefix=prefix) as folder,
        (Path(folder) / _LOCK).open("w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(folder)


def running_since(home: Path) -> list[datetime]:
    """Return when each process started that has a folder below the lakehouse's now."""
    locks = [lock for lock in home.glob(f".*-*/{_LOCK}") if not is_abandoned(lock.parent)]
    return [datetime.fromtimestamp(lock.stat().st_mtime, UTC) for lock in locks]


def is_abandoned(folder: Path) -> bool:
    """Whether no process has locked a folder; False where locks do not work, so callers should check its age."""
    try:
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True

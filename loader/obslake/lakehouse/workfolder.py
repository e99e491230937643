"""Folders for the temporary files of one process, and how to see that their process is gone."""

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
    """Make a folder below the lakehouse's, locked while this process has it, and removed at the end.

    Who commits has one until it is done: what it writes is referred to only then, and would be taken
    for left over.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=home, prefix=prefix) as folder,
        (Path(folder) / _LOCK).open("w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(folder)


def running_since(home: Path) -> list[datetime]:
    """Return when the processes began that have a folder below the lakehouse's now."""
    locks = [lock for lock in home.glob(f".*-*/{_LOCK}") if not is_abandoned(lock.parent)]
    return [datetime.fromtimestamp(lock.stat().st_mtime, UTC) for lock in locks]


def is_abandoned(folder: Path) -> bool:
    """Whether no process has the lock of a folder; where locks do not work, its age has to tell."""
    try:
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True

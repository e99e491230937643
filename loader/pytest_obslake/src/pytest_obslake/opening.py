"""Open the file of records. Never truncate a file of another process, which dies if it has mapped the file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pytest_obslake.isolation import private_modules

_FLAGS = os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_TRIALS = 10


def open_new(path: Path) -> tuple[int, bool]:
    """Open an empty file; return its descriptor and whether it is new, so that it can be mapped to memory.

    An older file is removed, because another process may write to it: a suite may run another pytest that
    records to the same file. A file that cannot be removed, such as a link or a pipe, is overwritten.
    """
    for _ in range(_TRIALS):
        mode = _remove(path)
        if mode is None:
            break
        try:
            # Mapping a file requires that it is readable.
            return os.open(path, _FLAGS | os.O_EXCL | os.O_RDWR, mode), True
        except FileExistsError:
            continue  # another process was faster
    return os.open(path, _FLAGS | os.O_TRUNC | os.O_WRONLY, 0o666), False


def _remove(path: Path) -> int | None:
    """Remove an older file; return the mode for a new one, or None if there cannot be one."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return 0o666
    if not stat.S_ISREG(status.st_mode) or not os.access(path, os.W_OK):
        return None
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError:
        return None
    return stat.S_IMODE(status.st_mode) | stat.S_IRUSR


def identity_of(descriptor: int) -> tuple[int, int] | None:
    """Return the device and inode of an open file, or None for a closed descriptor."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def identity_at(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of the file at a path, or None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


private_modules(globals())

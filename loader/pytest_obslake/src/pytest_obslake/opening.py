"""The file of records, made so that nobody else's file gets shorter: who has mapped it would be killed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pytest_obslake.isolation import private_modules

_FLAGS = os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_TRIALS = 10


def open_new(path: Path) -> tuple[int, bool]:
    """Open a file that is empty, and say whether it is a new one, which can be written through memory.

    An older file is removed, because another process may write to it: a suite may run another one that is
    told to record in the same file. What cannot be removed, such as a link or a pipe, is overwritten.
    """
    for _ in range(_TRIALS):
        mode = _remove(path)
        if mode is None:
            break
        try:
            # What is written through memory must be readable, too.
            return os.open(path, _FLAGS | os.O_EXCL | os.O_RDWR, mode), True
        except FileExistsError:
            continue  # another process was faster
    return os.open(path, _FLAGS | os.O_TRUNC | os.O_WRONLY, 0o666), False


def _remove(path: Path) -> int | None:
    """Remove an older file; return the mode for the new one, or None where there can be none."""
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
    """Return what tells a file from others, or None for a descriptor that is closed."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def identity_at(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at a path from others, or None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


private_modules(globals())

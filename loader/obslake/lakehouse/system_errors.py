"""What the system around a lakehouse can refuse, in words for the user: room, permission, store, catalog."""

import errno
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
from sqlalchemy.exc import DBAPIError

from obslake.engine import reason
from obslake.errors import (
    CatalogLockedError,
    NoSpaceError,
    NotWritableError,
    ObslakeError,
    StoreError,
)

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}

# What SQLite and DuckDB say instead of a number.
_NO_SPACE_WORDS = re.compile(
    r"database or disk is full|no space left|max_temp_directory_size", re.IGNORECASE
)
_NOT_WRITABLE_WORDS = re.compile(
    r"readonly database|read-only file system|permission denied|unable to open database file",
    re.IGNORECASE,
)
_LOCKED_WORDS = re.compile(r"database (table )?is locked", re.IGNORECASE)

# What PyArrow and DuckDB say of an object store.
_STORE_WORDS = re.compile(r"AWS Error [A-Z_]+|error for HTTP|HTTP (GET|HEAD) error")

# Of these what was not done yet never will be.
_REFUSED_WORDS = re.compile(
    r"AWS Error (ACCESS_DENIED|NO_SUCH_BUCKET)|HTTP (status )?(301|40[0134])"
)

_AGAIN = "run the command again: what is in the tables is whole, and the rest is done then"


def system_error(error: BaseException, home: Path) -> ObslakeError | None:
    """Return what an error means where the system was the reason, None where it was not.

    Args:
        error: what was raised, by a library or as an error of ours that it has caused.
        home: folder of the lakehouse; libraries do not always say which file they could not write.
    """
    for cause in _causes(error):
        text = _text(cause)
        number = cause.errno if isinstance(cause, OSError) else None
        if number in _NO_SPACE or _NO_SPACE_WORDS.search(text):
            return NoSpaceError(
                f"there is no space left for the lakehouse at {home}: {text}\n"
                f"  make room, and {_AGAIN}"
            )
        if isinstance(error, ObslakeError):
            # It says itself what may not be read.
            continue
        if _STORE_WORDS.search(text):
            check = (
                "check the bucket, the keys, the region and the endpoint that PyIceberg is configured with, and "
                if _REFUSED_WORDS.search(text)
                else ""
            )
            return StoreError(
                f"the store of the tables refuses, or does not answer: {text}\n  {check}{_AGAIN}"
            )
        if number in _NOT_WRITABLE or (text and _NOT_WRITABLE_WORDS.search(text)):
            return NotWritableError(
                f"the lakehouse at {home} cannot be written: {text}\n"
                f"  get the permission to write there, and {_AGAIN}"
            )
        if _LOCKED_WORDS.search(text):
            return CatalogLockedError(
                f"the catalog of {home} is locked by another process: {text}\n"
                f"  wait until it has ended, and {_AGAIN}"
            )
    return None


def is_of_system(error: BaseException) -> bool:
    """Return whether the system was the reason for an error: trying again at once would not help."""
    return system_error(error, Path()) is not None


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _text(error: BaseException) -> str:
    """Return in one line what the system says; empty where it is not the system that speaks."""
    if isinstance(error, DBAPIError):
        return str(error.orig).splitlines()[0]
    if isinstance(error, OSError):
        file = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{file}"
    if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
        return reason(error)
    return ""

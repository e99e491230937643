"""Explains errors of the system around a lakehouse: disk space, permissions, object store, catalog."""

import errno
import re
import sqlite3
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

# Messages of SQLite and DuckDB, which give no error number.
_NO_SPACE_WORDS = re.compile(
    r"database or disk is full|no space left|max_temp_directory_size", re.IGNORECASE
)
_NOT_WRITABLE_WORDS = re.compile(
    r"readonly database|read-only file system|permission denied|unable to open database file",
    re.IGNORECASE,
)
_LOCKED_WORDS = re.compile(r"database (table )?is locked", re.IGNORECASE)

# Messages of PyArrow and DuckDB about an object store.
_STORE_WORDS = re.compile(r"AWS Error [A-Z_]+|error for HTTP|HTTP (GET|HEAD) error")

# Errors of a store that a retry cannot fix.
_REFUSED_WORDS = re.compile(
    r"AWS Error (ACCESS_DENIED|NO_SUCH_BUCKET)|HTTP (status )?(301|40[0134])"
)

_AGAIN = "run the command again: the tables are intact, and the next run completes the work"


def system_error(error: BaseException, home: Path) -> ObslakeError | None:
    """Return the error for the user if the system caused an error, else None.

    Args:
        error: an exception of a library, or one of ours that it caused.
        home: folder of the lakehouse; libraries do not always name the file that they could not write.
    """
    for cause in _causes(error):
        text = _text(cause)
        number = cause.errno if isinstance(cause, OSError) else None
        if number in _NO_SPACE or _NO_SPACE_WORDS.search(text):
            return NoSpaceError(
                f"there is no space left for the lakehouse at {home}: {text}\n"
                f"  free some space, and {_AGAIN}"
            )
        if isinstance(error, ObslakeError):
            # The message of our error names the cause already.
            continue
        if _STORE_WORDS.search(text):
            check = (
                "check the bucket, the keys, the region and the endpoint that PyIceberg is configured with, and "
                if _REFUSED_WORDS.search(text)
                else ""
            )
            return StoreError(
                f"the object store refused the request or did not respond: {text}\n  {check}{_AGAIN}"
            )
        if number in _NOT_WRITABLE or (text and _NOT_WRITABLE_WORDS.search(text)):
            return NotWritableError(
                f"the lakehouse at {home} cannot be written: {text}\n"
                f"  get permission to write there, and {_AGAIN}"
            )
        if _LOCKED_WORDS.search(text):
            return CatalogLockedError(
                f"the catalog of {home} is locked by another process: {text}\n"
                f"  wait until that process has finished, and {_AGAIN}"
            )
    return None


def is_of_system(error: BaseException) -> bool:
    """Whether the system caused an error, so that an immediate retry would not help."""
    return system_error(error, Path()) is not None


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _text(error: BaseException) -> str:
    """Return the first line of the system's message; empty if the error is not of the system."""
    if isinstance(error, DBAPIError):
        return str(error.orig).splitlines()[0]
    if isinstance(error, sqlite3.Error):
        return str(error).splitlines()[0]
    if isinstance(error, OSError):
        file = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{file}"
    if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
        return reason(error)
    return ""

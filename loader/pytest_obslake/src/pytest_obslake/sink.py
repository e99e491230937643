"""The file of records: one JSON object a line, in the file as soon as it is written."""

from __future__ import annotations

import json
import os
import stat
import threading
import zlib
from pathlib import Path
from typing import Any

from pytest_obslake.isolation import private_modules

quote = json.encoder.encode_basestring_ascii
"""The text of a string in a record."""

_GZIP = 31  # zlib's window bits for a gzip header


class Sink:
    """Append lines to a file, and never raise: the first failure ends the writing and is kept in `failure`.

    Written without Python's file objects, so that a forked child has no buffer to flush a second time and a
    crash loses nothing that was written. ``.gz`` is compressed, flushed after every line.
    """

    def __init__(self, path: Path | None) -> None:
        """Create the file, and the folders above it; an older file is overwritten. None keeps nothing."""
        self.path = path
        self.failure: str | None = None
        self.n_lost = 0
        self._lock = threading.RLock()
        self._encode = json.JSONEncoder(separators=(",", ":")).encode
        self._compress = (
            zlib.compressobj(6, zlib.DEFLATED, _GZIP) if path and path.suffix == ".gz" else None
        )
        self._descriptor: int | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(path, flags, 0o666)
            self._identity = _identity(self._descriptor)
            self._is_regular = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
            self._end = 0
        except OSError as error:
            self._fail(error)

    def write(self, record: dict[str, Any]) -> None:
        """Write one record."""
        try:
            line = self._encode(record) + "\n"
        except Exception as error:
            self.n_lost += 1
            self._fail(error)
        else:
            self.write_line(line)

    def write_line(self, text: str) -> None:
        """Write the line of a record; count it as lost where that is no longer possible."""
        with self._lock:
            if self._descriptor is None:
                self.n_lost += 1
                return
            try:
                line = text.encode("ascii")
                if self._compress is not None:
                    line = self._compress.compress(line) + self._compress.flush(zlib.Z_SYNC_FLUSH)
                self._write(self._descriptor, line)
            except Exception as error:
                self.n_lost += 1
                self._fail(error)

    def close(self) -> None:
        """Write what ends a gzip file, and close."""
        with self._lock:
            if self._descriptor is None:
                return
            try:
                if self._compress is not None:
                    self._write(self._descriptor, self._compress.flush(zlib.Z_FINISH))
                os.close(self._descriptor)
            except Exception as error:
                self._fail(error)
            self._descriptor = None

    def abandon(self) -> None:
        """Forget the file, in a forked child: it belongs to the parent."""
        self._lock = threading.RLock()
        self._descriptor = None

    def _write(self, descriptor: int, data: bytes) -> None:
        if not self._is_ours(descriptor):
            raise OSError("the suite closed the file, and its descriptor is another file's now")
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, data[written:])
        self._end += written

    def _is_ours(self, descriptor: int) -> bool:
        """Whether the descriptor is still that of the file.

        Where writing ended tells that in a third of the time that the file's identity takes.
        """
        if self._is_regular and os.lseek(descriptor, 0, os.SEEK_CUR) == self._end:
            return True
        return _identity(descriptor) == self._identity

    def _fail(self, error: Exception) -> None:
        self._descriptor = None
        if self.failure is None:
            self.failure = f"{type(error).__name__}: {error}"


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


private_modules(globals())

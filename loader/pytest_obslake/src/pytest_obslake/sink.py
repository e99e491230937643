"""The file of records: one JSON object per line, each in the file as soon as it is written."""

from __future__ import annotations

import itertools
import json
import os
import stat
import threading
import zlib
from pathlib import Path
from typing import Any, Protocol

from pytest_obslake.isolation import private_modules
from pytest_obslake.mapped import Mapped, map_file
from pytest_obslake.opening import identity_at, identity_of, open_new

quote = json.encoder.encode_basestring_ascii
"""The text of a string in a record."""

_GZIP = 31  # zlib's window bits for a gzip header

_MANY = 1000
"""After this many lines of one test, further lines are written through mapped memory in a third of the time."""


class Step(Protocol):
    """What a line can record.

    Attributes:
        is_done: whether its line will be in the file.
    """

    is_done: bool


class Sink:
    """Appends lines to a file and never raises: the first failure ends writing and is kept in `failure`.

    It does not use Python's file objects, so that a forked child cannot flush a buffer again and a crash loses no
    written lines. A ``.gz`` file is compressed, and flushed after every line.

    The handler of a signal may write lines itself, and raise, after any call. No line is lost or written twice
    then, because what must happen together has no calls: functions with effects are called by unpacking a map.

    Attributes:
        n_calls: number of written steps.
        failure: why writing has ended.
        n_lost: number of records that could not be written.
        fate: what happened to the file if it was removed or replaced.
    """

    def __init__(self, path: Path | None) -> None:
        """Create the file and its folders, replacing an older file. With None, nothing is written."""
        self.path = path
        self.failure: str | None = None
        self.fate: str | None = None
        self.n_calls = 0
        self.n_lost = 0
        self._lock = threading.RLock()
        self._encode = json.JSONEncoder(separators=(",", ":")).encode
        self._compress = (
            zlib.compressobj(6, zlib.DEFLATED, _GZIP) if path and path.suffix == ".gz" else None
        )
        self._descriptor: int | None = None
        self._mapped: Mapped | None = None
        self._memory: Any = None
        self._room = self._end = self._n_lines = 0
        self._rest = b""
        self._is_at_path = False
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor, is_new = open_new(path)
            self._identity = identity_of(self._descriptor)
            self._is_regular = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
            self._is_at_path = self._is_regular and not path.is_symlink()
            if is_new and self._compress is None:
                self._mapped = map_file(self._descriptor)
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

    def write_line(self, text: str, step: Step | None = None) -> None:
        """Write the line of a record, or count it as lost; if it is that of a step, the step is done."""
        line = text.encode("ascii")
        n = len(line)
        with self._lock:
            start = self._end
            stop = start + n
            if stop <= self._room:
                self._end = stop
                self._memory[start:stop] = line
            elif self._descriptor is None:
                self.n_lost += 1
            elif self._compress is None:
                self._rest += line
            else:
                data, rest = itertools.chain(
                    map(self._compress.compress, (line,)),
                    map(self._compress.flush, (zlib.Z_SYNC_FLUSH,)),
                )
                self._rest += data + rest
            if step is not None:
                step.is_done = True
                self.n_calls += 1
            if self._rest:
                self._write_rest()

    def settle(self) -> None:
        """Truncate the file to its lines, after the last line of a test."""
        with self._lock:
            if self._rest:
                self._write_rest()
            self._n_lines = 0
            self._room = 0
            self._cut_off()

    def _cut_off(self) -> None:
        """Truncate the file to its lines."""
        if self._mapped is None or not self._mapped.is_longer:
            return
        try:
            if self._descriptor is not None and self._is_ours(self._descriptor):
                self._mapped.cut_off(self._descriptor, self._end)
            elif self.path is not None and identity_at(self.path) == self._identity:
                os.truncate(self.path, self._end)
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Finish a gzip stream, and close the file."""
        self.settle()
        with self._lock:
            if self._descriptor is not None and self._is_at_path:
                self._look_at(self.path)
            if self._mapped is not None:
                self._mapped.close(self._identity)
            if self._descriptor is None:
                return
            try:
                if self._compress is not None:
                    (end,) = map(self._compress.flush, (zlib.Z_FINISH,))
                    self._rest += end
                    self._write_rest()
                if self._descriptor is not None and self._is_ours(self._descriptor):
                    os.close(self._descriptor)
            except Exception as error:
                self._fail(error)
            self._descriptor = None

    def abandon(self) -> None:
        """Forget the file in a forked child: it belongs to the parent."""
        self._lock = threading.RLock()
        self._descriptor = None
        self._room = 0
        self._rest = b""
        # The memory and the length of the file are the parent's as well.
        if self._mapped is not None:
            self._mapped.keep()
            self._mapped = None

    def _write_rest(self) -> None:
        """Write the bytes that are not in the file yet: the last line, and what a signal has interrupted."""
        # Nothing is written after the rest before it.
        self._room = 0
        try:
            descriptor = self._descriptor
            if descriptor is None or not self._is_ours(descriptor):
                raise OSError(
                    "the suite closed the file, and its descriptor now belongs to another file"
                )
            self._n_lines += 1
            if self._n_lines > _MANY and self._mapped is not None:
                if self._write_to_memory(self._mapped, descriptor):
                    return
                self._n_lines = 0
                self._cut_off()
            while self._rest:
                (n,) = map(os.write, (descriptor,), map(getattr, (self,), ("_rest",)))
                self._rest = self._rest[n:]
                self._end += n
        except Exception as error:
            self._rest = b""
            self.n_lost += 1
            self._fail(error)

    def _write_to_memory(self, mapped: Mapped, descriptor: int) -> bool:
        while True:
            # Calls that end while room is made, such as a collected generator, may write, too.
            data = self._rest
            n = len(data)
            start = self._end
            stop = start + n
            if stop <= mapped.room and data is self._rest:
                break
            try:
                if not mapped.make_room(descriptor, start, n):
                    return False
            except OSError:
                return False
        mapped.memory[start:stop] = data
        self._end = stop
        self._rest = b""
        self._memory, self._room = mapped.memory, mapped.room
        return True

    def _is_ours(self, descriptor: int) -> bool:
        """Return whether the descriptor still belongs to the file.

        Comparing the position takes a third of the time of comparing the file's identity.
        """
        if self._is_regular and os.lseek(descriptor, 0, os.SEEK_CUR) == self._end:
            return True
        return identity_of(descriptor) == self._identity

    def _look_at(self, path: Path | None) -> None:
        there = path and identity_at(path)
        if there is None:
            self.fate = "the suite, or another process, has removed the file"
        elif there != self._identity:
            self.fate = (
                "another process has replaced the file, such as another pytest that the suite runs"
            )

    def _fail(self, error: Exception) -> None:
        self._descriptor = None
        if self.failure is None:
            self.failure = f"{type(error).__name__}: {error}"


private_modules(globals())

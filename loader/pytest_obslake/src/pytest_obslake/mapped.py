"""A file written through mapped memory, whose contents survive a crash of the process."""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any

from pytest_obslake.isolation import private_modules
from pytest_obslake.opening import identity_of

_SIZE = 1 << 30
"""Size of the mapping, which only reserves addresses."""

_AHEAD = 1 << 18
"""Upper bound of the room made at a time. It is filled with zeros, and the rest is cut off after the test."""

_SHARE = 16
"""Divisor of the written bytes that bounds the room: after a crash, a file with many zeros looks binary."""

_PAGE = mmap.ALLOCATIONGRANULARITY
_kept: list[Any] = []
_MADVISE = getattr(mmap, "MADV_DONTNEED", None)


class Mapped:
    """A new, empty file in memory. Room is made by writing zeros, so that a full disk raises an exception.

    The file is mapped only once, so that the number of open descriptors stays constant for the suite.

    Attributes:
        room: end of the part that may be written to.
        is_longer: whether the file is longer than its contents.
    """

    def __init__(self, descriptor: int) -> None:
        """Map the file, and leave it empty. Raises OSError or ValueError if that is not possible."""
        self.room = 0
        self.is_longer = False
        self._own: int | None = None
        os.ftruncate(descriptor, _SIZE)
        try:
            if sys.version_info >= (3, 13):
                self.memory = mmap.mmap(descriptor, _SIZE, trackfd=False)
            else:
                # mmap keeps a duplicate of the descriptor: the next free number.
                self._own = os.dup(descriptor)
                os.close(self._own)
                self.memory = mmap.mmap(descriptor, _SIZE)
        finally:
            os.ftruncate(descriptor, 0)

    def close(self, identity: tuple[int, int] | None) -> None:
        """Unmap the memory, unless its descriptor now belongs to the suite."""
        if self._own is None or identity_of(self._own) == identity:
            self.memory.close()
        else:
            self.keep()

    def make_room(self, descriptor: int, end: int, n: int) -> bool:
        """Make room for `n` bytes after the end of the file; return whether that is possible."""
        start = max(end, self.room)
        room = start + n + min(_AHEAD, start // _SHARE)
        if room > _SIZE:
            return False
        zeros = bytes(room - start)
        self.is_longer = True
        # Writing through the descriptor allocates the pages.
        written = os.write(descriptor, zeros)
        while written < len(zeros):
            written += os.write(descriptor, zeros[written:])
        if _MADVISE is not None:
            # Earlier pages need not stay in the memory of the process.
            before = max(0, start - 4 * _AHEAD) // _PAGE * _PAGE
            self.memory.madvise(_MADVISE, before, start // _PAGE * _PAGE - before)
        self.room = room
        return True

    def keep(self) -> None:
        """Keep the memory and its descriptor until the process ends."""
        _kept.append(self.memory)

    def cut_off(self, descriptor: int, end: int) -> None:
        """Truncate the file to its contents."""
        self.room = 0
        self.is_longer = False
        os.ftruncate(descriptor, end)


def map_file(descriptor: int) -> Mapped | None:
    """Map a new, empty file if the system supports it."""
    if os.name != "posix":
        return None
    try:
        return Mapped(descriptor)
    except (OSError, ValueError, OverflowError):
        return None


private_modules(globals())

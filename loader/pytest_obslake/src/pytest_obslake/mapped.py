"""A file that is written through memory: the system keeps what is there, whatever becomes of the process."""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any

from pytest_obslake.isolation import private_modules
from pytest_obslake.opening import identity_of

_SIZE = 1 << 30
"""How far a file is mapped; only addresses are taken for it."""

_AHEAD = 1 << 18
"""How much room is made at a time at most. It is zeros until it is written to, and cut off after the test."""

_SHARE = 16
"""What was written is so many times the room: to readers a file with many zeros, after a crash, is no text."""

_PAGE = mmap.ALLOCATIONGRANULARITY
_kept: list[Any] = []
_MADVISE = getattr(mmap, "MADV_DONTNEED", None)


class Mapped:
    """A new, empty file in memory. Room is made by writing zeros, so that a full disk is an error of a call.

    The mapping is made once: a suite that counts descriptors sees the same number all the time.

    Attributes:
        room: up to where it may be written to.
        is_longer: whether the file is longer than what was written.
    """

    def __init__(self, descriptor: int) -> None:
        """Map the file, and leave it empty. Raises OSError or ValueError where that is not possible."""
        self.room = 0
        self.is_longer = False
        self._own: int | None = None
        os.ftruncate(descriptor, _SIZE)
        try:
            if sys.version_info >= (3, 13):
                self.memory = mmap.mmap(descriptor, _SIZE, trackfd=False)
            else:
                # It keeps a descriptor of its own: the next one that is free.
                self._own = os.dup(descriptor)
                os.close(self._own)
                self.memory = mmap.mmap(descriptor, _SIZE)
        finally:
            os.ftruncate(descriptor, 0)

    def close(self, identity: tuple[int, int] | None) -> None:
        """Give the memory back; but not where its descriptor is one of the suite's by now."""
        if self._own is None or identity_of(self._own) == identity:
            self.memory.close()
        else:
            self.keep()

    def make_room(self, descriptor: int, end: int, n: int) -> bool:
        """Make room for some bytes after the end of the file; return whether there is any."""
        start = max(end, self.room)
        room = start + n + min(_AHEAD, start // _SHARE)
        if room > _SIZE:
            return False
        zeros = bytes(room - start)
        self.is_longer = True
        # A page that has been written to is there when memory is, and costs no more than that.
        written = os.write(descriptor, zeros)
        while written < len(zeros):
            written += os.write(descriptor, zeros[written:])
        if _MADVISE is not None:
            # What has been written before need not stay in the memory of the process.
            before = max(0, start - 4 * _AHEAD) // _PAGE * _PAGE
            self.memory.madvise(_MADVISE, before, start // _PAGE * _PAGE - before)
        self.room = room
        return True

    def keep(self) -> None:
        """Keep the memory, and its descriptor, as long as the process lives."""
        _kept.append(self.memory)

    def cut_off(self, descriptor: int, end: int) -> None:
        """Let the file end where it ends."""
        self.room = 0
        self.is_longer = False
        os.ftruncate(descriptor, end)


def map_file(descriptor: int) -> Mapped | None:
    """Map a new, empty file, where the system can."""
    if os.name != "posix":
        return None
    try:
        return Mapped(descriptor)
    except (OSError, ValueError, OverflowError):
        return None


private_modules(globals())

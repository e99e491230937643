"""Instructions of Python 3.9 and 3.10 that tell what happens in a function."""

from __future__ import annotations

from types import CodeType
from typing import Callable

from pytest_obslake.observing import Events, Unavailable


def inject(code: CodeType, events: Events, inner: Callable[[CodeType], CodeType]) -> CodeType:
    """Return code that does the same, and tells."""
    raise Unavailable

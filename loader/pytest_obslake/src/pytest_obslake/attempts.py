"""An attempt at a test, and the time of its steps."""

from __future__ import annotations

import datetime
import itertools
from typing import Any, Callable

from pytest_obslake.isolation import private_modules
from pytest_obslake.later import LaterCall
from pytest_obslake.references import ClassesUnderTest, References
from pytest_obslake.sink import quote
from pytest_obslake.steps import Call, nanoseconds_now

_EPOCH = datetime.datetime(1970, 1, 1)


class Attempt:
    """One attempt at one test.

    Attributes:
        drawn: fields of its record that describe how its inputs were drawn.
        take: receives a finished step, and returns whether the step must not be written.
    """

    def __init__(self, test_id: str, attempt: int, classes: ClassesUnderTest) -> None:
        """Start with no steps."""
        self.test_id = test_id
        self.attempt = attempt
        self.steps = itertools.count()
        self.references = References(classes)
        self.open: dict[int, LaterCall] = {}
        self.line = f'{{"record":"call","test_id":{quote(test_id)},"step_id":'
        self.attempt_text = f'"attempt":{attempt},'
        self.drawn: dict[str, Any] = {}
        self.take: Callable[[Call, str], bool] | None = None


def now() -> str:
    """Return the time as ISO 8601 text, in UTC."""
    second, rest = divmod(nanoseconds_now(), 1_000_000_000)
    return f"{second_text(second)}.{rest // 1000:06d}+00:00"


def second_text(second: int) -> str:
    """Return seconds since 1970 as ISO 8601 text, without fraction and zone."""
    return (_EPOCH + datetime.timedelta(seconds=second)).isoformat()


private_modules(globals())

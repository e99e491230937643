"""Detect why two runs differ: tests draw other inputs in each run, and answers name the process."""

from __future__ import annotations

import inspect
from typing import Any

from pytest_obslake.attempts import Attempt
from pytest_obslake.examples import Examples
from pytest_obslake.isolation import private_modules
from pytest_obslake.randomness import Randomness
from pytest_obslake.recorder import Recorder
from pytest_obslake.references import ClassesUnderTest


class Drawing:
    """Watches how the inputs of tests are drawn."""

    def __init__(self, recorder: Recorder, classes: ClassesUnderTest) -> None:
        """Watch the tests of a session."""
        self._recorder = recorder
        self._examples = Examples(recorder, classes)
        self._randomness = Randomness(recorder)
        self._test: Attempt | None = None

    def start(self, test: Attempt, item: Any) -> None:
        """Start an attempt at a test. Errors do not affect the suite."""
        self._test = test
        try:
            self._randomness.start()
            self._examples.start(test, _function(item))
        except Exception as error:
            self._recorder.note(error)

    def end(self) -> None:
        """End the attempt, if it has not ended yet."""
        test, self._test = self._test, None
        if test is None:
            return
        try:
            has_examples = self._examples.end()
            test.drawn = self._randomness.end()
            if has_examples:
                test.drawn = {"drawn_by": "hypothesis", **test.drawn}
        except Exception as error:
            self._recorder.note(error)

    def record(self) -> dict[str, Any]:
        """Return the fields of the last record."""
        names = self._recorder.names
        return {
            "examples": self._examples.record(),
            "names_the_process": names.record() if names is not None else [],
        }

    def lines(self) -> list[str]:
        """Return the lines of the report."""
        names = self._recorder.names
        return self._examples.lines() + (names.lines() if names is not None else [])


def _function(item: Any) -> Any:
    """Return the function of a test without creating the object that it is a method of."""
    cls = getattr(item, "cls", None)
    if cls is None:
        return getattr(item, "obj", None)
    name = getattr(item, "originalname", None) or getattr(item, "name", "")
    found = inspect.getattr_static(cls, str(name), None)
    return getattr(found, "__func__", found)


private_modules(globals())

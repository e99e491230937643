"""Each stimulus sheet is a test: pytest runs the sheets of one problem on one adapter.

    pytest --obslake=FILE --obslake-target=subject:slugify --adapter=python_slugify problems/slugify.py

A test passes if its calls could be made, even if they raise exceptions: the recording holds the responses.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import subject  # noqa: E402
from problems import Problem, Step  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option for the adapter under test."""
    parser.addoption("--adapter", required=True, metavar="NAME", help="the adapter under test")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the sheets of a problem."""
    if file_path.parent != HERE / "problems" or file_path.suffix != ".py":
        return None
    return SheetsOfProblem.from_parent(parent, path=file_path)


class SheetsOfProblem(pytest.File):
    """A file of `problems`."""

    def collect(self) -> Iterator[pytest.Item]:
        """Select the adapter under test, and import its package before anything is timed."""
        adapter = self.config.getoption("adapter")
        problem = subject.use(self.path.stem, adapter)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for module in problem.modules(adapter):
                importlib.import_module(module)
        for test_id, steps in problem.tests.items():
            # The name alone identifies a sheet, because the problem has its own column.
            yield Sheet.from_parent(
                self, name=test_id, nodeid=test_id, problem=problem, steps=steps
            )


class Sheet(pytest.Item):
    """A sequence of calls."""

    def __init__(self, *, problem: Problem, steps: list[Step], **more: object) -> None:
        super().__init__(**more)
        self.problem = problem
        self.steps = steps

    def runtest(self) -> None:
        """Make the calls, up to the first operation that the package does not offer."""
        made = None
        for step in self.steps:
            is_constructor = step.operation == "create"
            name = self.problem.type_name if is_constructor else step.operation
            operation = getattr(subject if made is None else made, name, None)
            if operation is None:
                pytest.skip(f"{step.operation} is not offered")
            try:
                answer = operation(*step.arguments)
            except Exception:
                if is_constructor:
                    return
            else:
                made = answer if is_constructor else made

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return the location of the sheet."""
        return self.path, None, self.name

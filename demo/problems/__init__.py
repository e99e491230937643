"""The parts of a problem of the demonstration corpus: operations, tests and adapters.

A file of this package defines one `Problem`, adds its tests, and registers one adapter per package.
An adapter is a function (problems with one operation) or a class (problems with several): its
methods are the operations. A problem with an object under test has a `create` operation, whose
arguments go to the adapter's constructor; otherwise the methods are static.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

UNDEFINED: Any = object()
"""The expected response of a step for which no standard prescribes one."""


@dataclass(frozen=True)
class Step:
    """One stimulus: an operation, its arguments, and the response that a standard prescribes."""

    operation: str
    arguments: tuple[Any, ...]
    expected: Any = UNDEFINED


@dataclass(frozen=True)
class Implementation:
    """An adapter and its package; `modules` are imported before anything is timed."""

    package: str
    name: str
    adapter: Any
    modules: tuple[str, ...]


@dataclass
class Problem:
    """`operations` maps the name of each operation to its signature with types.

    `type_name` names the class of the object under test, if there is one. `derived` operations are
    implemented here, as functions of an adapter and the arguments.
    """

    problem_id: str
    operations: dict[str, str]
    type_name: str | None = None
    origin: str = "written for this corpus"
    derived: dict[str, Callable[..., Any]] = field(default_factory=dict)
    tests: dict[str, list[Step]] = field(default_factory=dict)
    implementations: list[Implementation] = field(default_factory=list)

    def test(self, test_id: str, *arguments: Any, expected: Any = UNDEFINED) -> None:
        """Add a test with one step: a call of the first operation."""
        self.sequence(test_id, Step(next(iter(self.operations)), arguments, expected))

    def sequence(self, test_id: str, *steps: Step) -> None:
        """Add a test with several steps."""
        if test_id in self.tests:
            raise ValueError(f"{self.problem_id} has two tests named {test_id}")
        self.tests[test_id] = list(steps)

    def implementation(self, package: str, *modules: str) -> Callable[[Any], Any]:
        """Register the adapter of a package, or of `stdlib:module` for the standard library."""

        def register(adapter: Any) -> Any:
            self.implementations.append(Implementation(package, adapter.__name__, adapter, modules))
            return adapter

        return register

    def adapter(self, name: str) -> Any:
        """The adapter with this name."""
        return self._implementation(name).adapter

    def modules(self, name: str) -> tuple[str, ...]:
        """The modules that the adapter with this name needs."""
        return self._implementation(name).modules

    def _implementation(self, name: str) -> Implementation:
        return next(found for found in self.implementations if found.name == name)

    @property
    def interface(self) -> str:
        """The signatures of all operations, one per line."""
        return "\n".join(self.operations.values())

    def signature(self, operation: str) -> str:
        """The operation with the names of its parameters: `put(key, value)`."""
        head, _, rest = self.operations[operation].partition("(")
        names = [part.split(":")[0].strip() for part in rest.rpartition(")")[0].split(", ")]
        return f"{head}({', '.join(filter(None, names))})"


def accepts(adapter: Callable[[Any], Any], text: Any) -> bool:
    """Whether the adapter accepts the text: the derived operation of the parsers."""
    try:
        adapter(text)
    except Exception:
        return False
    return True


def load_problems() -> dict[str, Problem]:
    """All problems, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: load_problem(name) for name in names}


def load_problem(name: str) -> Problem:
    """The problem defined by the module with this name."""
    problem = importlib.import_module(f"{__name__}.{name}").PROBLEM
    if problem.problem_id != name:
        raise ValueError(f"problems/{name}.py defines {problem.problem_id}")
    return problem

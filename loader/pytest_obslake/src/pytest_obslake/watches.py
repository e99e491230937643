"""The code that is observed, and which targets it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType, FrameType, FunctionType
from typing import Any, Callable

from pytest_obslake import steps
from pytest_obslake.arguments import Parameters
from pytest_obslake.observing import Mechanism
from pytest_obslake.references import has_weak_references
from pytest_obslake.sink import quote
from pytest_obslake.targets import (
    CLASS_METHOD,
    CONSTRUCTOR,
    DELETER,
    MAKER,
    METHOD,
    PROPERTY,
    SETTER,
    Target,
)

_WITH_SUBJECT = (METHOD, CONSTRUCTOR, MAKER, CLASS_METHOD, PROPERTY, SETTER, DELETER)
_MISSING: Any = object()
_MOST_OPERATIONS = 1000


class Bound:
    """A target, and the function that it means."""

    def __init__(self, target: Target) -> None:
        """Look at the parameters of its function."""
        self.target = target
        self.function = target.function
        self.parameters = Parameters(target.function, target.kind in _WITH_SUBJECT)
        self.is_special = target.key.startswith("__") and target.kind not in (CONSTRUCTOR, MAKER)
        self.code = target.function.__code__
        self.n_calls = 0
        self._operations: dict[tuple[Any, ...], str] = {}
        self._globals = target.function.__globals__
        closure = target.function.__closure__ or ()
        free = target.function.__code__.co_freevars
        self._cells = [(name, cell) for name, cell in zip(free, closure) if name != "__class__"]

    def is_called(self, frame: FrameType, variables: Mapping[str, Any]) -> bool:
        """Whether it is this function that a frame runs, and not another one with the same code."""
        if self._globals is not frame.f_globals:
            return False
        named = self.function.__kwdefaults__
        if named and any(
            value is self.function and variables.get(name) is not value
            for name, value in named.items()
        ):
            return False  # functions of one decorator, each of which knows itself
        return not self._cells or all(
            variables.get(name, _MISSING) is _content(cell) for name, cell in self._cells
        )

    def operation(self, name: str, n_passed: int, keywords: Mapping[str, Any]) -> str:
        """Return the JSON text of what was done, with the names of the arguments that matter."""
        key = (name, n_passed, *keywords) if keywords else (name, n_passed)
        known = self._operations.get(key)
        if known is None:
            known = quote(self._operation(name, n_passed, keywords))
            if len(self._operations) < _MOST_OPERATIONS:
                self._operations[key] = known
        return known

    def _operation(self, name: str, n_passed: int, keywords: Mapping[str, Any]) -> str:
        kind = self.target.kind
        if kind == PROPERTY:
            return self.target.name
        if kind == SETTER:
            return f"{self.target.name} = value"
        if kind == DELETER:
            return f"del {self.target.name}"
        return f"{name}({', '.join([*self.parameters.names(n_passed), *map(str, keywords)])})"


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


class Watch:
    """Code that is observed.

    Attributes:
        kind: whether it runs at once or later, as in `steps`.
        notice: is told of frames instead, where they are of no target.
        constructs: whether it makes objects that can only be known by their addresses.
    """

    def __init__(
        self, function: FunctionType, notice: Callable[[FrameType], None] | None = None
    ) -> None:
        """Take a function that has the code."""
        code = function.__code__
        self.kind = steps.kind_of(code)
        self.constructs = False
        self.notice = notice
        self._bounds: list[Bound] = []

    def add(self, bound: Bound) -> None:
        """Know a target more."""
        self._bounds.append(bound)
        target = bound.target
        self.constructs = self.constructs or (
            target.kind == CONSTRUCTOR
            and target.owner is not None
            and not has_weak_references(target.owner)
            and target.function.__code__.co_argcount > 0
        )

    def find(self, frame: FrameType, variables: Mapping[str, Any]) -> Bound | None:
        """Return the target that a frame runs."""
        for bound in self._bounds:
            if bound.is_called(frame, variables):
                return bound
        return None


class Watches:
    """All code that is observed, by its address."""

    def __init__(self, mechanism: Mechanism) -> None:
        """Observe nothing so far."""
        self._mechanism = mechanism
        self._by_code: dict[int, Watch] = {}
        self._functions: dict[int, FunctionType] = {}
        self.bounds: list[Bound] = []
        self.must_know_constructors = False
        self.get = self._by_code.get

    def add(self, targets: list[Target]) -> None:
        """Observe the functions of targets, those that are not observed yet."""
        new = [target for target in targets if id(target.function) not in self._functions]
        new = list({id(target.function): target for target in reversed(new)}.values())
        self._observe([target.function for target in new])
        for target in reversed(new):
            bound = Bound(target)
            self.bounds.append(bound)
            watch = self._watch(target.function)
            watch.add(bound)
            self.must_know_constructors = self.must_know_constructors or watch.constructs

    def notice(self, function: FunctionType, notice: Callable[[FrameType], None]) -> None:
        """Observe a function that is no target."""
        if id(function) not in self._functions:
            self._observe([function])
            self._by_code[id(function.__code__)] = Watch(function, notice)

    def prepare(self, functions: list[FunctionType]) -> None:
        """Observe functions that are no targets, but whose generators or coroutines targets may return."""
        self._observe([f for f in functions if id(f) not in self._functions])

    def can_follow(self, code: CodeType) -> bool:
        """Whether what happens in code of a generator or coroutine will be heard."""
        return self._mechanism.can_follow(code)

    def close(self) -> None:
        """Observe nothing more."""
        self._mechanism.close()
        self._by_code.clear()

    def _observe(self, functions: list[FunctionType]) -> None:
        for function in functions:
            self._functions[id(function)] = function
        self._mechanism.observe(functions)

    def _watch(self, function: FunctionType) -> Watch:
        code = function.__code__
        watch = self._by_code.get(id(code))
        if watch is None:
            watch = self._by_code[id(code)] = Watch(function)
        return watch

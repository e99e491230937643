"""The observed code, and the targets that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType, FrameType, FunctionType
from typing import Any, Callable

from pytest_obslake import steps
from pytest_obslake.arguments import Parameters
from pytest_obslake.observing import Mechanism
from pytest_obslake.references import has_weak_references, qualified_name
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

_ON_OBJECTS = (METHOD, CONSTRUCTOR, PROPERTY, SETTER, DELETER)
_WITH_SUBJECT = (*_ON_OBJECTS, MAKER, CLASS_METHOD)
_MISSING: Any = object()
_MOST_OPERATIONS = 1000

# Special methods that pytest never calls to show an object, and that others call most.
_NEVER_EXPLAINS = ("__next__", "__enter__", "__exit__", "__call__")


class Bound:
    """A target and its function.

    Attributes:
        is_on_object: whether it is called on an object.
        on: the JSON text of its target column, if that is always the same.
        explains: whether pytest may call it to show an object.
        bare_operation: the JSON text of the operation, if that is always the same: a method without parameters.
    """

    def __init__(self, target: Target) -> None:
        """Read the parameters of its function."""
        self.target = target
        self.function = target.function
        self.parameters = Parameters(target.function, target.kind in _WITH_SUBJECT)
        self.explains = (
            target.key.startswith("__")
            and target.key not in _NEVER_EXPLAINS
            and target.kind not in (CONSTRUCTOR, MAKER)
        )
        self.is_on_object = target.kind in _ON_OBJECTS
        self.on: str | None = None
        if target.kind not in _WITH_SUBJECT:
            self.on = quote(qualified_name(target.owner)) if target.owner is not None else "null"
        self.code = target.function.__code__
        self.n_calls = 0
        self._operations: dict[tuple[Any, ...], str] = {}
        self.globals = target.function.__globals__
        closure = target.function.__closure__ or ()
        free = target.function.__code__.co_freevars
        self._cells = [(name, cell) for name, cell in zip(free, closure) if name != "__class__"]
        self.bare_operation: str | None = None
        if target.kind == METHOD and self.parameters.is_bare:
            self.bare_operation = self.operation(target.name, 0, {})
        self.subject_name = self.code.co_varnames[0] if self.bare_operation else ""

    def is_called(self, frame: FrameType, variables: Mapping[str, Any]) -> bool:
        """Return whether a frame runs this function, and not another one with the same code."""
        if self.globals is not frame.f_globals:
            return False
        named = self.function.__kwdefaults__
        if named and any(
            value is self.function and variables.get(name) is not value
            for name, value in named.items()
        ):
            return False  # functions of one decorator, each with itself as a default
        return not self._cells or all(
            variables.get(name, _MISSING) is _content(cell) for name, cell in self._cells
        )

    @property
    def has_cells(self) -> bool:
        """Return whether variables of the enclosing function distinguish it from others with the same code."""
        return bool(self._cells)

    def operation(self, name: str, n_passed: int, keywords: Mapping[str, Any]) -> str:
        """Return the JSON text of the operation, with the names of the arguments that matter."""
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
    """Observed code.

    Attributes:
        kind: whether it runs at once or later, as in `steps`.
        notice: receives the frames if the code belongs to no target.
        sole: the only target, if its globals alone distinguish it from other functions with this code.
    """

    def __init__(
        self, function: FunctionType, notice: Callable[[FrameType], Any] | None = None
    ) -> None:
        """Create it from a function with the code."""
        code = function.__code__
        self.kind = steps.kind_of(code)
        self.sole: Bound | None = None
        self.notice = notice
        self._bounds: list[Bound] = []

    def add(self, bound: Bound) -> None:
        """Add a target with this code."""
        self._bounds.append(bound)
        self.sole = bound if len(self._bounds) == 1 and not bound.has_cells else None

    def find(self, frame: FrameType, variables: Mapping[str, Any]) -> Bound | None:
        """Return the target that a frame runs."""
        for bound in self._bounds:
            if bound.is_called(frame, variables):
                return bound
        return None


def _constructs(target: Target) -> bool:
    """Return whether a target makes objects that can only be identified by their addresses."""
    return (
        target.kind == CONSTRUCTOR
        and target.owner is not None
        and not has_weak_references(target.owner)
        and target.function.__code__.co_argcount > 0
    )


class Watches:
    """All observed code, by its address."""

    def __init__(self, mechanism: Mechanism, track_births: Callable[[CodeType], None]) -> None:
        """Observe nothing yet; `track_births` receives the code of constructors."""
        self._mechanism = mechanism
        self._track_births = track_births
        self._by_code: dict[int, Watch] = {}
        self._functions: dict[int, FunctionType] = {}
        self._prepared: dict[int, FunctionType] = {}
        self.bounds: list[Bound] = []
        self.get = self._by_code.get

    def add(self, targets: list[Target]) -> None:
        """Observe the functions of targets that are not observed yet."""
        new = [target for target in targets if id(target.function) not in self._functions]
        new = list({id(target.function): target for target in reversed(new)}.values())
        makers = [target.function for target in new if _constructs(target)]
        self._observe(makers, are_makers=True)
        self._observe([target.function for target in new if not _constructs(target)])
        for function in makers:
            self._track_births(function.__code__)
        for target in reversed(new):
            bound = Bound(target)
            self.bounds.append(bound)
            self._watch(target.function).add(bound)

    def notice(
        self,
        function: FunctionType,
        notice: Callable[[FrameType], Any],
        is_maker: bool = False,
    ) -> None:
        """Observe a function that is not a target."""
        if id(function) not in self._functions:
            self._observe([function], is_maker)
            self._by_code[id(function.__code__)] = Watch(function, notice)

    def prepare(self, functions: list[FunctionType]) -> None:
        """Observe the generators and coroutines of functions that are not targets: targets may return them."""
        new = [f for f in functions if id(f) not in self._functions and id(f) not in self._prepared]
        self._prepared.update((id(f), f) for f in new)
        self._mechanism.prepare(new)

    def can_follow(self, code: CodeType) -> bool:
        """Return whether the code of a generator or coroutine can be observed."""
        return self._mechanism.can_follow(code)

    def close(self) -> None:
        """Stop observing."""
        self._mechanism.close()
        self._by_code.clear()

    def _observe(self, functions: list[FunctionType], are_makers: bool = False) -> None:
        for function in functions:
            self._functions[id(function)] = function
        if functions:
            self._mechanism.observe(functions, are_makers)

    def _watch(self, function: FunctionType) -> Watch:
        code = function.__code__
        watch = self._by_code.get(id(code))
        if watch is None:
            watch = self._by_code[id(code)] = Watch(function)
        return watch

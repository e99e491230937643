"""Find the Python functions of the targets: written from the plugin's README, not from its code."""

from __future__ import annotations

import enum
import functools
import importlib
from collections.abc import Iterator
from types import FrameType, FunctionType
from typing import Any

_OPERATORS = (
    "call len length_hint bool int float complex index str repr bytes format "
    "eq ne lt le gt ge contains iter next reversed getitem setitem delitem missing "
    "add radd iadd sub rsub isub mul rmul imul matmul rmatmul imatmul truediv rtruediv itruediv "
    "floordiv rfloordiv ifloordiv mod rmod imod divmod rdivmod pow rpow ipow "
    "lshift rlshift ilshift rshift rrshift irshift and rand iand or ror ior xor rxor ixor "
    "neg pos abs invert round trunc floor ceil "
    "enter exit aenter aexit aiter anext await copy deepcopy"
)
OPERATORS = frozenset(f"__{name}__" for name in _OPERATORS.split())


class Candidate:
    """A function that is observed, with the kind of its calls."""

    def __init__(self, function: FunctionType, kind: str, name: str, owner: type | None) -> None:
        """Keep the function, how it is bound, its public name and the class that defines it."""
        self.function = function
        self.kind = kind
        self.name = name
        self.owner = owner

    def is_in(self, frame: FrameType) -> bool:
        """Whether a newly started frame runs this function, not another with the same code."""
        names = self.function.__code__.co_freevars
        if not names:
            return True
        variables = frame.f_locals
        for name, cell in zip(names, self.function.__closure__ or ()):
            try:
                content = cell.cell_contents
            except ValueError:
                continue
            if name not in variables or variables[name] is not content:
                return False
        return True

    def has_its_defaults(self, frame: FrameType) -> bool:
        """Whether keyword parameters have their defaults: tells apart functions with equal code and no closure."""
        defaults = self.function.__kwdefaults__ or {}
        return all(frame.f_locals.get(name) is value for name, value in defaults.items())


class Found:
    """All candidates by the id of their code, and the classes under test."""

    def __init__(self, targets: list[str]) -> None:
        """Keep the targets; ``look`` imports their modules."""
        self._targets = targets
        self.packages = {target.partition(":")[0].partition(".")[0] for target in targets}
        self.by_code: dict[int, list[Candidate]] = {}
        self.classes: dict[int, type] = {}
        self._known: set[tuple[int, str]] = set()
        self._candidates: list[Candidate] = []
        self._kept: list[Any] = []

    def look(self) -> None:
        """Add the functions and classes that the modules define now."""
        for target in self._targets:
            module_name, _, names = target.partition(":")
            module = importlib.import_module(module_name)
            if names:
                for path in names.split(","):
                    self._add_named(module, path.strip())
            else:
                self._add_module(module)

    def candidate(self, frame: FrameType) -> Candidate | None:
        """Return the function that a newly started frame calls, or None."""
        candidates = self.by_code.get(id(frame.f_code), ())
        fitting = [candidate for candidate in candidates if candidate.is_in(frame)]
        if len({id(candidate.function) for candidate in fitting}) > 1:
            fitting = [candidate for candidate in fitting if candidate.has_its_defaults(frame)]
        return fitting[0] if fitting else None

    def take_new_code(self) -> None:
        """Register the code of functions whose code was replaced."""
        for candidate in list(self._candidates):
            self._take_code(candidate)

    def is_under_test(self, value: object) -> bool:
        """Whether a value is an instance of a class under test."""
        return self.is_class_under_test(type(value))

    def is_class_under_test(self, cls: type) -> bool:
        """Whether a class is under test, or inherits from one that is."""
        return any(id(base) in self.classes for base in type.__dict__["__mro__"].__get__(cls))

    def _add_module(self, module: Any) -> None:
        public = getattr(module, "__all__", None)
        for name, value in list(vars(module).items()):
            if name.startswith("_") if public is None else name not in public:
                continue
            if isinstance(value, type):
                if _is_below(_module(value), module.__name__):
                    self._add_class(value)
            else:
                self._add_function(value, name, module.__name__)

    def _add_named(self, module: Any, path: str) -> None:
        *outer, name = path.split(".")
        holder = module
        for part in outer:
            holder = getattr(holder, part)
        value = getattr(holder, name)
        if isinstance(holder, type):
            self._add_members(holder, name)
        elif isinstance(value, type):
            self._add_class(value)
        else:
            self._add_function(value, name, "")

    def _add_function(self, value: Any, name: str, package: str) -> None:
        for function in _functions(value):
            if package and not _is_below(_module(function), package):
                continue
            self._add(Candidate(function, "function", name, None))

    def _add_class(self, cls: type) -> None:
        self._add_members(cls, None)

    def _add_members(self, cls: type, only: str | None) -> None:
        self.classes[id(cls)] = cls
        self._kept.append(cls)
        package = _module(cls).partition(".")[0]
        bases: tuple[type, ...] = type.__dict__["__mro__"].__get__(cls)
        constructor = constructor_of(cls)
        is_protocol = vars(cls).get("_is_protocol") is True
        if constructor is not None and not is_protocol and not issubclass(cls, enum.Enum):
            self._add(Candidate(constructor[1], "constructor", constructor[0], cls))
        for base in bases:
            if not _is_below(_module(base), package):
                continue
            for key, value in list(vars(base).items()):
                is_public = key in OPERATORS or not key.startswith("_")
                if only is not None:
                    is_public = key == only
                if not is_public or (key in OPERATORS and issubclass(cls, enum.Enum)):
                    continue
                for kind, function in _member(value):
                    if only is not None or _is_below(_module(function), package):
                        self._add(Candidate(function, kind, key, base))

    def _add(self, candidate: Candidate) -> None:
        key = (id(candidate.function), candidate.kind)
        if key not in self._known:
            self._known.add(key)
            self._candidates.append(candidate)
            self._take_code(candidate)

    def _take_code(self, candidate: Candidate) -> None:
        code = candidate.function.__code__
        same = self.by_code.setdefault(id(code), [])
        if candidate not in same:
            self._kept.append(code)
            same.append(candidate)


def constructor_of(cls: type) -> tuple[str, FunctionType] | None:
    """Return the Python ``__init__``, else the ``__new__``, that makes the instances of a class."""
    bases: tuple[type, ...] = type.__dict__["__mro__"].__get__(cls)
    for key in ("__init__", "__new__"):
        for base in bases:
            if key in vars(base):
                value = vars(base)[key]
                value = value.__func__ if isinstance(value, staticmethod) else value
                if type(value) is FunctionType and value.__module__ != "typing":
                    return key, value
                break
    return None


def _member(value: Any) -> Iterator[tuple[str, FunctionType]]:
    if isinstance(value, (classmethod, staticmethod)):
        kind = "class method" if isinstance(value, classmethod) else "static method"
        for function in _functions(value.__func__):
            yield kind, function
    elif isinstance(value, property):
        for kind, part in (
            ("property", value.fget),
            ("setter", value.fset),
            ("deleter", value.fdel),
        ):
            for function in _functions(part):
                yield kind, function
    elif isinstance(value, functools.cached_property):
        for function in _functions(value.func):
            yield "property", function
    elif isinstance(value, functools.singledispatchmethod):
        for part in value.dispatcher.registry.values():
            for function in _functions(part):
                yield "method", function
    elif isinstance(value, functools.partialmethod):
        for function in _functions(value.func):
            yield "method", function
    elif callable(value) or hasattr(type(value), "__get__"):
        if isinstance(value, type):
            return
        is_property = not callable(value) and hasattr(type(value), "__get__")
        for function in _functions(value):
            yield ("property" if is_property else "method"), function


def _functions(value: Any) -> Iterator[FunctionType]:
    """Return the Python function that a callable wraps, if any."""
    seen: set[int] = set()
    while type(value) is not FunctionType and id(value) not in seen:
        seen.add(id(value))
        following = None
        if not isinstance(value, type):
            for name in ("__wrapped__", "__func__", "func", "fget"):
                following = getattr(value, name, None)
                if callable(following):
                    break
        if following is None:
            return
        value = following
    if type(value) is FunctionType:
        yield value


def _module(value: Any) -> str:
    name = (
        type.__dict__["__module__"].__get__(value)
        if isinstance(value, type)
        else getattr(value, "__module__", None)
    )
    return name if isinstance(name, str) else ""


def _is_below(module_name: str, package: str) -> bool:
    return module_name == package or module_name.startswith(package + ".")

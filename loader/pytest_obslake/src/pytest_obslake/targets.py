"""Find the functions, classes and methods that ``--obslake-target`` names."""

from __future__ import annotations

import enum
import functools
import importlib
import importlib.util
import types
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any, Callable

from pytest_obslake import references
from pytest_obslake.references import is_class, mro, namespace

FUNCTION = "function"
METHOD = "method"
CONSTRUCTOR = "constructor"
CLASS_METHOD = "class method"
STATIC_METHOD = "static method"
PROPERTY = "property"

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
"""Special methods that are behaviour; the others (``__hash__``, ``__getattr__``, …) are how Python works."""


class TargetError(ValueError):
    """A target is misspelt, or cannot be imported."""


@dataclass(frozen=True)
class Target:
    """One callable under test.

    `holder` and `key` say where it stands: the attribute of a class or the name in a module. `owner` is the
    class it was found in, or None for a function.
    """

    kind: str
    name: str
    callable: Callable[..., Any]
    holder: Any
    key: str
    owner: type | None = None


@dataclass
class Targets:
    """Everything under test: the callables, the classes, and the classes that inherit their ``__init__``.

    `left_out` names the functions that cannot be recorded without changing them.
    """

    callables: list[Target]
    classes: list[type]
    without_constructor: list[type]
    left_out: list[str]


def parse(text: str) -> tuple[str, tuple[str, ...]]:
    """Split ``package.module:name,Class.method`` into the module and the names; no names mean all."""
    module, colon, names = text.strip().partition(":")
    chosen = tuple(name.strip() for name in names.replace(":", ",").split(",") if name.strip())
    parts = [*module.split("."), *(part for name in chosen for part in name.split("."))]
    if (colon and not chosen) or not all(part.isidentifier() for part in parts):
        raise TargetError(
            f"--obslake-target={text}: write package.module, or package.module:name,Class,Class.method"
        )
    return module, chosen


def module_of(text: str) -> str:
    """Return the name of the module that a target names, without importing it."""
    return parse(text)[0]


def find(texts: list[str]) -> Targets:
    """Import the modules and find what is under test. Raises TargetError."""
    found = Targets([], [], [], [])
    for text in texts:
        module_name, names = parse(text)
        module, rest = _import(module_name, text)
        if rest:
            names = tuple(".".join((rest, name)) for name in names) or (rest,)
        if names:
            for name in names:
                _add_named(found, module, name, text)
        else:
            _add_module(found, module)
    found.callables = list(
        {id(target.callable): target for target in reversed(found.callables)}.values()
    )
    found.callables.reverse()
    found.left_out = [target.name for target in found.callables if _counts_frames(target.callable)]
    found.callables = [target for target in found.callables if not _counts_frames(target.callable)]
    found.classes = list({id(cls): cls for cls in found.classes}.values())
    found.without_constructor = list({id(cls): cls for cls in found.without_constructor}.values())
    if not found.callables and not found.classes:
        raise TargetError(f"--obslake-target={' '.join(texts)}: nothing public is defined there")
    return found


def _import(module_name: str, text: str) -> tuple[ModuleType, str]:
    """Import the module; the last part may also be an attribute of the module before it."""
    try:
        return importlib.import_module(module_name), ""
    except ModuleNotFoundError as error:
        parent, _, attribute = module_name.rpartition(".")
        if parent and error.name == module_name:
            try:
                module = importlib.import_module(parent)
            except ImportError:
                module = None
            if module is not None and hasattr(module, attribute):
                return module, attribute
        raise TargetError(f"--obslake-target={text}: {error}") from error
    except Exception as error:
        raise TargetError(
            f"--obslake-target={text}: importing it failed: {type(error).__name__}: {error}"
        ) from error


def _add_module(found: Targets, module: ModuleType) -> None:
    """Add the public functions and classes that a module shows and it, or a module below it, defines."""
    public = getattr(module, "__all__", None)
    for name, value in list(vars(module).items()):
        if (name.startswith("_") if public is None else name not in public) or not _is_defined_in(
            value, module.__name__
        ):
            continue
        if is_class(value):
            _add_class(found, value)
        else:
            found.callables.append(Target(FUNCTION, name, value, module, name))


def _add_named(found: Targets, module: ModuleType, path: str, text: str) -> None:
    holder: Any = module
    *outer, name = path.split(".")
    try:
        for part in outer:
            holder = getattr(holder, part)
        value = getattr(holder, name)
    except AttributeError as error:
        raise TargetError(f"--obslake-target={text}: {error}") from error
    if is_class(holder):
        members = [
            target
            for base in mro(holder)
            for target in _members(base)
            if target.key == name or target.kind == CONSTRUCTOR
        ]
        if not any(target.key == name for target in members):
            raise TargetError(
                f"--obslake-target={text}: {path} is no method or property of Python code"
            )
        _add_members(found, holder, members)
    elif is_class(value):
        _add_class(found, value)
    elif _is_function(value):
        found.callables.append(Target(FUNCTION, name, value, holder, name))
    else:
        raise TargetError(f"--obslake-target={text}: {path} is no function and no class")


def _add_class(found: Targets, cls: type) -> None:
    """Add the public methods that a class defines, and those of its bases in the same package."""
    package = _module_name(cls).partition(".")[0]
    members = [
        target
        for base in mro(cls)
        if _is_below(_module_name(base), package)
        for target in _members(base)
        if _is_below(_module_name(target.callable), package)
        and (
            target.key in OPERATORS or not target.key.startswith("_") or target.kind == CONSTRUCTOR
        )
        and not (target.key in OPERATORS and issubclass(cls, enum.Enum))
    ]
    _add_members(found, cls, members)


def _add_members(found: Targets, cls: type, members: list[Target]) -> None:
    found.classes.append(cls)
    found.callables += members
    has_constructor = any(target.kind == CONSTRUCTOR for target in members)
    if not has_constructor and "__init__" not in namespace(cls) and _may_get_constructor(cls):
        found.without_constructor.append(cls)


def _may_get_constructor(cls: type) -> bool:
    is_protocol = any(namespace(base).get("_is_protocol") is True for base in mro(cls)[:1])
    return not issubclass(cls, (enum.Enum, BaseException)) and not is_protocol


def _members(cls: type) -> Iterator[Target]:
    for key, value in list(namespace(cls).items()):
        if key == "__init__":
            if type(value) is FunctionType:
                yield Target(CONSTRUCTOR, key, value, cls, key, cls)
        elif type(value) is classmethod or type(value) is staticmethod:
            kind = CLASS_METHOD if type(value) is classmethod else STATIC_METHOD
            if _is_function(value.__func__):
                yield Target(kind, key, value.__func__, value, key, cls)
        elif type(value) is property:
            if isinstance(value.fget, FunctionType):
                yield Target(PROPERTY, key, value.fget, cls, key, cls)
        elif type(value) is functools.cached_property:
            if isinstance(value.func, FunctionType):
                yield Target(PROPERTY, key, value.func, cls, key, cls)
        elif _is_function(value):
            yield Target(METHOD, key, value, cls, key, cls)


_LRU_CACHE = type(functools.lru_cache(lambda: None))
_FUNCTION_TYPES = frozenset(map(id, (FunctionType, types.BuiltinFunctionType, _LRU_CACHE)))


def is_cached(value: object) -> bool:
    """Whether a value is what `functools.lru_cache` makes."""
    return type(value) is _LRU_CACHE


def _counts_frames(function: Callable[..., Any]) -> bool:
    """Whether a function looks at the frames that called it: one more would change what it answers."""
    code = getattr(function, "__code__", None)
    return code is not None and bool(_FRAME_NAMES.intersection(code.co_names))


_FRAME_NAMES = frozenset(("_getframe", "_getframemodulename", "currentframe", "f_back"))


def _is_function(value: object) -> bool:
    return id(type(value)) in _FUNCTION_TYPES


def _is_defined_in(value: object, module_name: str) -> bool:
    return (is_class(value) or _is_function(value)) and _is_below(_module_name(value), module_name)


def _is_below(module_name: str, package: str) -> bool:
    return module_name == package or module_name.startswith(package + ".")


def _module_name(value: object) -> str:
    if is_class(value):
        return references.module(value)  # type: ignore[arg-type]
    name = getattr(value, "__module__", None)
    return name if isinstance(name, str) else ""

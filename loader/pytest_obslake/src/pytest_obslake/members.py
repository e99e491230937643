"""Find the methods, properties and operators of a class."""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from pytest_obslake import leftout
from pytest_obslake.references import find_constructor, is_class, mro, namespace
from pytest_obslake.references import name as name_of
from pytest_obslake.targets import (
    CLASS_METHOD,
    CONSTRUCTOR,
    DELETER,
    DESCRIPTOR,
    MAKER,
    METHOD,
    PROPERTY,
    SETTER,
    STATIC_METHOD,
    Target,
    Targets,
    defined_in,
    is_below,
)
from pytest_obslake.unwrapping import behind, is_cache

_TAKES_MORE = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS

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


def add_class(found: Targets, cls: type) -> None:
    """Add the public methods that a class defines, and those of its bases in the same package."""
    package = defined_in(cls).partition(".")[0]
    chosen = [
        target
        for base in mro(cls)
        if is_below(defined_in(base), package)
        for target in members(found, base, None)
        if is_below(defined_in(target.function), package)
        and not (target.key in OPERATORS and issubclass(cls, enum.Enum))
    ]
    add_members(found, cls, chosen)


def add_members(found: Targets, cls: type, chosen: list[Target]) -> None:
    """Add a class with its constructor and the chosen methods."""
    found.classes.append(cls)
    constructor = find_constructor(cls)
    if constructor is not None and is_made(cls):
        kind = MAKER if _is_maker(cls, constructor) else CONSTRUCTOR
        key = "__new__" if kind == MAKER else "__init__"
        found.add(Target(kind, key, constructor, key, cls))
    for target in chosen:
        found.add(target)


def _is_maker(cls: type, function: FunctionType) -> bool:
    for base in mro(cls):
        made = namespace(base).get("__new__")
        if made is not None:
            return (made.__func__ if type(made) is staticmethod else made) is function
    return False


def is_made(cls: type) -> bool:
    """Return whether the objects of a class are made by calling it."""
    is_protocol = namespace(cls).get("_is_protocol") is True
    return not issubclass(cls, enum.Enum) and not is_protocol


def members(found: Targets, cls: type, chosen: set[str] | None) -> Iterator[Target]:
    """Yield the public methods and properties of a class, or the chosen ones."""
    for key, value in list(namespace(cls).items()):
        if key in ("__init__", "__new__"):
            continue
        if (key not in chosen) if chosen else (key.startswith("_") and key not in OPERATORS):
            continue
        for kind, function, cache in _of_member(cls, key, value):
            if function is not None:
                yield Target(kind, key, function, key, cls)
            if cache is not None:
                found.caches.append((f"{name_of(cls)}.{key}", cache))
            if function is None and cache is None:
                found.left_out.add(leftout.IN_C, f"{name_of(cls)}.{key}")


def _of_member(
    cls: type, key: str, value: Any
) -> Iterator[tuple[str, FunctionType | None, Any | None]]:
    parts: list[tuple[str, Any]]
    if isinstance(value, property):
        parts = [(PROPERTY, value.fget), (SETTER, value.fset), (DELETER, value.fdel)]
    elif type(value) is classmethod or type(value) is staticmethod:
        parts = [(CLASS_METHOD if type(value) is classmethod else STATIC_METHOD, value.__func__)]
    elif type(value) is functools.cached_property:
        parts = [(PROPERTY, value.func)]
    elif type(value) in _METHODS or is_cache(value):
        parts = [(METHOD, value)]
    elif is_class(value) or isinstance(value, cls):
        parts = []
    else:
        # A function inside another object is a method only if that object is a descriptor.
        is_descriptor = any("__get__" in namespace(base) for base in mro(type(value)))
        parts = [(DESCRIPTOR, value)] if is_descriptor else []
    for kind, part in parts:
        if part is None:
            continue
        hidden = behind(part, key)
        for function in hidden.functions:
            yield _kind(kind, function), function, None
        for cache in hidden.caches:
            yield kind, None, cache
        if hidden.is_c and not hidden.functions:
            yield kind, None, None


_METHODS = (
    FunctionType,
    functools.partialmethod,
    functools.singledispatchmethod,
)


def _kind(kind: str, function: FunctionType) -> str:
    """Return the kind of a member; a custom descriptor is a method if the function takes more than the object."""
    if kind != DESCRIPTOR:
        return kind
    code = function.__code__
    wants_more = code.co_argcount > 1 or code.co_kwonlyargcount or code.co_flags & _TAKES_MORE
    return METHOD if wants_more else PROPERTY

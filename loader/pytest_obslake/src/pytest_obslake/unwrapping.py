"""Find the Python functions behind the attributes of modules and classes.

No code of the objects is run: attributes are read without the lookup that a class could override.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from pytest_obslake.references import has_constructor, is_class, mro, namespace

_LRU_CACHE = type(functools.lru_cache(lambda: None))
_C_FUNCTIONS = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
    types.ClassMethodDescriptorType,
)
_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_INNER = ("__wrapped__", "__func__", "func", "fget")
_MISSING: Any = object()


@dataclass
class Behind:
    """The Python functions behind an object, the caches in front of them, and whether a C function is the last."""

    functions: list[FunctionType] = field(default_factory=list)
    caches: list[Any] = field(default_factory=list)
    is_c: bool = False


def behind(value: object, name: str) -> Behind:
    """Return what is behind a named attribute of a module or class; empty for data."""
    found = Behind()
    _look(value, name, found, set())
    return found


def is_cache(value: object) -> bool:
    """Return whether a value is a function wrapped by `functools.lru_cache`."""
    return type(value) is _LRU_CACHE


def is_c_function(value: object) -> bool:
    """Return whether a value is a function written in C."""
    return type(value) in _C_FUNCTIONS


def _look(value: Any, name: str, found: Behind, seen: set[int]) -> None:
    if id(value) in seen:
        return
    if is_class(value):
        # Its constructor is a Python function, which is its own target, or is in C.
        found.is_c = bool(seen) and not has_constructor(value)
        return
    seen.add(id(value))
    kind = type(value)
    if kind is FunctionType:
        found.functions.append(value)
    elif kind in _C_FUNCTIONS:
        found.is_c = True
    elif kind is _LRU_CACHE:
        found.caches.append(value)
        _look(vars(value)["__wrapped__"], name, found, seen)
    else:
        for inner in _inner(value, name):
            _look(inner, name, found, seen)


def _inner(value: Any, name: str) -> Iterator[Any]:
    kind = type(value)
    if kind is functools.singledispatchmethod:
        yield value.func
        yield from value.dispatcher.registry.values()
    elif kind in (staticmethod, classmethod, types.MethodType):
        yield value.__func__
    elif kind in (functools.partial, functools.partialmethod, functools.cached_property):
        yield value.func
    else:
        # A custom decorator.
        for attribute in _INNER:
            inner = _attribute(value, attribute)
            if inner is not _MISSING:
                yield inner
                return
        yield from (
            inner
            for inner in _attributes(value)
            if type(inner) is FunctionType and inner.__name__ == name
        )


def _attributes(value: object) -> Iterator[Any]:
    variables = _variables(value)
    yield from list(variables.values())
    for base in mro(type(value)):
        for key, slot in list(namespace(base).items()):
            if type(slot) is types.MemberDescriptorType and key not in variables:
                yield _read_slot(slot, value)


def _attribute(value: object, name: str) -> Any:
    variables = _variables(value)
    if name in variables:
        return variables[name]
    for base in mro(type(value)):
        found = namespace(base).get(name, _MISSING)
        if type(found) in _SLOTS:
            return _read_slot(found, value)
        if found is not _MISSING:
            break
    return _MISSING


def _read_slot(slot: Any, value: object) -> Any:
    try:
        return slot.__get__(value)
    except Exception:
        return _MISSING


def _variables(value: object) -> dict[str, Any]:
    try:
        variables = object.__getattribute__(value, "__dict__")
    except Exception:
        return {}
    return variables if type(variables) is dict else {}

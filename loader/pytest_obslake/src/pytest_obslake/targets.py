"""The targets: functions and classes under test, and their names."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any, Callable

from pytest_obslake import references
from pytest_obslake.leftout import LeftOut
from pytest_obslake.references import is_class
from pytest_obslake.references import name as name_of

FUNCTION = "function"
METHOD = "method"
CONSTRUCTOR = "constructor"
CLASS_METHOD = "class method"
STATIC_METHOD = "static method"
PROPERTY = "property"
SETTER = "setter of a property"
DELETER = "deleter of a property"
MAKER = "constructor in __new__"
DESCRIPTOR = "descriptor"


class TargetError(ValueError):
    """A target is misspelt or cannot be imported."""


@dataclass(frozen=True)
class Target:
    """One function under test.

    `name` is its recorded name, `key` the attribute of a class or module where it was found, and `owner` that
    class, or None.
    """

    kind: str
    name: str
    function: FunctionType
    key: str
    owner: type | None = None


@dataclass(frozen=True)
class StandIn:
    """A named target without a Python function. It is replaced where modules refer to it."""

    name: str
    callable: Callable[..., Any]


replacements: weakref.WeakSet[FunctionType] = weakref.WeakSet()
"""The functions that replace named targets, and record their calls themselves."""


@dataclass
class Targets:
    """Everything under test: functions, classes, caches in front of them, and callables to replace.

    `getters` are the functions by which modules create attributes on demand.
    """

    functions: list[Target] = field(default_factory=list)
    classes: list[type] = field(default_factory=list)
    caches: list[tuple[str, Any]] = field(default_factory=list)
    stand_ins: list[StandIn] = field(default_factory=list)
    getters: list[tuple[ModuleType, FunctionType]] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)

    def add(self, target: Target) -> None:
        """Add a function."""
        self.functions.append(target)

    def replaces(self, value: object) -> bool:
        """Return whether a value is replaced by a function that records, or is such a function."""
        if type(value) is FunctionType:
            return value in replacements
        return any(value is stand_in.callable for stand_in in self.stand_ins)


def full_name(target: Target) -> str:
    """Return ``Class.method`` or ``function``."""
    return target.name if target.owner is None else f"{name_of(target.owner)}.{target.name}"


def is_below(module_name: str, package: str) -> bool:
    """Return whether a module is a package or in it."""
    return module_name == package or module_name.startswith(package + ".")


def defined_in(value: object) -> str:
    """Return the name of the module of a function or class."""
    if is_class(value):
        return references.module(value)  # type: ignore[arg-type]
    name = getattr(value, "__module__", None)
    return name if isinstance(name, str) else ""

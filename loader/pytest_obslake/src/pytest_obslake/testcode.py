"""Exclude test code in the module or package under test from the targets."""

from __future__ import annotations

from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import Any

from pytest_obslake import leftout
from pytest_obslake.references import is_class, mro
from pytest_obslake.references import module as module_name
from pytest_obslake.targets import Targets, full_name
from pytest_obslake.unwrapping import behind

_SETTING_UP = frozenset(
    f"{when}_{what}" for when in ("setup", "teardown") for what in ("module", "function")
)


class Tests:
    """Functions and classes that pytest has collected, with their fixtures.

    A test that is a target would be one step, with all its calls inside of that step.
    """

    def __init__(self, items: Iterable[Any]) -> None:
        """Take the collected items."""
        self._functions: dict[int, FunctionType] = {}
        self._classes: dict[int, type] = {}
        modules: dict[str, ModuleType] = {}
        fixtures: dict[int, Any] = {}
        classes: dict[int, type] = {}
        for item in items:
            self._add(getattr(item, "function", None))
            module: Any = getattr(item, "module", None)
            cls: Any = getattr(item, "cls", None)
            if isinstance(module, ModuleType):
                modules[module.__name__] = module
            if is_class(cls):
                classes[id(cls)] = cls
            named = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", None) or {}
            fixtures.update((id(each), each) for found in named.values() for each in found)
        for fixture in fixtures.values():
            self._add(getattr(fixture, "func", None))
        for module in modules.values():
            for name in _SETTING_UP & vars(module).keys():
                self._add(vars(module)[name])
        for cls in classes.values():
            # Classes of tests inherit from each other.
            self._classes.update((id(c), c) for c in mro(cls) if module_name(c) in modules)

    def _add(self, value: Any) -> None:
        for function in behind(value, "").functions:
            self._functions[id(function)] = function

    def take_out_of(self, found: Targets) -> None:
        """Remove tests from the targets, and count them as left out."""
        if not (self._functions or self._classes):
            return
        kept = []
        for target in found.functions:
            if id(target.function) in self._functions or id(target.owner) in self._classes:
                found.left_out.add(leftout.TEST, full_name(target))
            else:
                kept.append(target)
        found.functions[:] = kept
        found.classes[:] = [cls for cls in found.classes if id(cls) not in self._classes]

"""Replace named targets without a Python body by functions that record."""

from __future__ import annotations

import functools
import inspect
import sys
from types import ModuleType
from typing import Any, Callable

from pytest_obslake.recorder import Recorder
from pytest_obslake.targets import StandIn, replacements


class StandIns:
    """Stand-ins for C functions and caches. `undo` removes them."""

    def __init__(self, recorder: Recorder) -> None:
        """Replace nothing yet."""
        self._recorder = recorder
        self._replaced: dict[int, tuple[Any, Any]] = {}

    def replace(self, found: list[StandIn]) -> None:
        """Replace targets, and those found before, in the globals of all modules."""
        for target in found:
            if id(target.callable) not in self._replaced:
                new = _stand_in(self._recorder, target)
                replacements.add(new)
                self._replaced[id(target.callable)] = (target.callable, new)
        _exchange(self._replaced)

    def undo(self) -> None:
        """Restore the targets."""
        _exchange({id(new): (new, original) for original, new in self._replaced.values()})
        self._replaced = {}

    def replacement(self, value: Any) -> Any:
        """Return the stand-in for a value, or the value itself."""
        original, new = self._replaced.get(id(value), (None, None))
        return new if original is value and new is not None else value


def _stand_in(recorder: Recorder, target: StandIn) -> Any:
    original = target.callable
    names = _names(original)

    def stand_in(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        call = recorder.begin_stand_in(target.name, names, args, kwargs)
        if call is None:
            return original(*args, **kwargs)
        try:
            result = original(*args, **kwargs)
            call.returned(None, 0, result)
            return result
        except BaseException as error:
            call.unwound(None, 0, error)
            raise

    functools.update_wrapper(stand_in, original)
    for attribute in ("cache_info", "cache_clear", "cache_parameters"):
        if hasattr(original, attribute):
            setattr(stand_in, attribute, getattr(original, attribute))
    return stand_in


def _names(function: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in parameters if parameter.kind in positional]


def _exchange(exchange: dict[int, tuple[Any, Any]]) -> None:
    """Replace objects in the globals of all modules; `exchange` maps the id of an old one to old and new."""
    if not exchange:
        return
    for module in list(sys.modules.values()):
        if not isinstance(module, ModuleType) or module.__name__.startswith("pytest_obslake"):
            continue
        variables = vars(module)
        for key, value in list(variables.items()):
            old, new = exchange.get(id(value), (None, None))
            if old is value and new is not None:
                variables[key] = new

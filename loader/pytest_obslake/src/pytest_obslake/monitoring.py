"""Observe functions by `sys.monitoring`, which does not change them."""

from __future__ import annotations

import sys
from types import CodeType, FunctionType
from typing import Any

from pytest_obslake.observing import Events, Unavailable

_monitoring: Any = getattr(sys, "monitoring", None)

# 0, 1, 2 and 5 are for debuggers, coverage, profilers and optimizers.
_TOOLS = (4, 3)
_NAME = "pytest-obslake"


class Monitoring:
    """Uses a free tool id of `sys.monitoring`."""

    def __init__(self, events: Events) -> None:
        """Observe exceptions that leave frames, which is only possible for all frames; raises Unavailable."""
        free = [tool for tool in _TOOLS if _monitoring.get_tool(tool) is None]
        if not free:
            raise Unavailable("other tools use the ids 3 and 4 of sys.monitoring")
        self._tool = free[0]
        self._events = events
        self._codes: dict[int, CodeType] = {}
        _monitoring.use_tool_id(self._tool, _NAME)
        names = _monitoring.events
        self._callbacks = {
            names.PY_START: events.start,
            names.PY_RETURN: events.return_,
            names.PY_YIELD: events.yield_,
            names.PY_RESUME: events.resume,
            names.PY_UNWIND: events.unwind,
            names.PY_THROW: events.throw,
        }
        self._local = names.PY_START | names.PY_RETURN | names.PY_YIELD | names.PY_RESUME
        for event, callback in self._callbacks.items():
            _monitoring.register_callback(self._tool, event, callback)
        _monitoring.set_events(self._tool, names.PY_UNWIND | names.PY_THROW)

    def observe(self, functions: list[FunctionType], are_makers: bool = False) -> None:
        """Observe functions from now on; makers need no other events."""
        if are_makers:
            self._events.look_inside(always=True)
        for function in functions:
            self.can_follow(function.__code__)

    def prepare(self, functions: list[FunctionType]) -> None:
        """Do nothing: any code can be observed later."""

    def can_follow(self, code: CodeType) -> bool:
        """Observe code from now on; always possible."""
        if id(code) not in self._codes:
            self._codes[id(code)] = code
            _monitoring.set_local_events(self._tool, code, self._local)
        return True

    def close(self) -> None:
        """Free the tool id."""
        if _monitoring.get_tool(self._tool) != _NAME:
            return
        for code in self._codes.values():
            _monitoring.set_local_events(self._tool, code, 0)
        _monitoring.set_events(self._tool, 0)
        for event in self._callbacks:
            _monitoring.register_callback(self._tool, event, None)
        _monitoring.free_tool_id(self._tool)

"""Notice what happens in functions by `sys.monitoring`: nothing about them changes."""

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
    """Takes a tool of `sys.monitoring` that is free."""

    def __init__(self, events: Events) -> None:
        """Notice exceptions that leave frames, which is possible only for all; raises Unavailable."""
        free = [tool for tool in _TOOLS if _monitoring.get_tool(tool) is None]
        if not free:
            raise Unavailable("other tools have taken all that sys.monitoring has to give")
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
        """Notice what happens in functions from now on; what starts looks the same everywhere."""
        if are_makers:
            self._events.look_inside(always=True)
        for function in functions:
            self.can_follow(function.__code__)

    def prepare(self, functions: list[FunctionType]) -> None:
        """Do nothing: any code can be followed."""

    def can_follow(self, code: CodeType) -> bool:
        """Notice what happens in code from now on."""
        if id(code) not in self._codes:
            self._codes[id(code)] = code
            _monitoring.set_local_events(self._tool, code, self._local)
        return True

    def close(self) -> None:
        """Give the tool back."""
        if _monitoring.get_tool(self._tool) != _NAME:
            return
        for code in self._codes.values():
            _monitoring.set_local_events(self._tool, code, 0)
        _monitoring.set_events(self._tool, 0)
        for event in self._callbacks:
            _monitoring.register_callback(self._tool, event, None)
        _monitoring.free_tool_id(self._tool)

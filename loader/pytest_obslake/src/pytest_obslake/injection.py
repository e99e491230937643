"""Observe functions before Python 3.12 by injecting instructions into their code.

Only ``__code__`` is replaced, and in it only the instructions, the constants and the stack size change. Injected
instructions have existing line numbers, and add no frames and no traceback entries.
"""

from __future__ import annotations

import gc
import sys
from types import CodeType, FunctionType
from typing import Any, Callable

from pytest_obslake.observing import Events
from pytest_obslake.steps import SIMPLE, kind_of

_get_code: Callable[[FunctionType], CodeType] = vars(FunctionType)["__code__"].__get__
_set_code: Callable[[FunctionType, CodeType], None] = vars(FunctionType)["__code__"].__set__


class Injection:
    """Replaces the code of functions, and restores it."""

    def __init__(self, events: Events) -> None:
        """Choose the instructions for this version of Python."""
        if sys.version_info >= (3, 11):
            from pytest_obslake.instructions_311 import inject
        else:
            from pytest_obslake.instructions_39 import Delegate, inject

            events.make_delegate = Delegate
        self._inject = inject
        self._events = events
        self._injected: dict[int, tuple[CodeType, CodeType]] = {}
        self._originals: dict[int, CodeType] = {}
        self._functions: list[tuple[FunctionType, CodeType, CodeType]] = []

    def observe(self, functions: list[FunctionType], are_makers: bool = False) -> None:
        """Observe functions from now on; makers also inside of steps."""
        start = self._events.start_anywhere if are_makers else self._events.start
        if are_makers and any(id(_get_code(function)) in self._originals for function in functions):
            self._events.look_inside(always=True)
        new = [function for function in functions if id(_get_code(function)) not in self._originals]
        for function in _with_their_code(new):
            self._exchange(function, self._code(_get_code(function), start))

    def prepare(self, functions: list[FunctionType]) -> None:
        """Observe the generators and coroutines that functions create, but not the functions."""
        exchanged: dict[int, CodeType] = {}
        for function in _with_their_code(functions):
            code = _get_code(function)
            if id(code) in self._originals:
                continue
            # Functions that share code still share it afterwards.
            inner = exchanged[id(code)] = exchanged.get(id(code)) or self._inner(code)
            if inner is not code:
                self._exchange(function, inner)

    def _exchange(self, function: FunctionType, code: CodeType) -> None:
        self._functions.append((function, _get_code(function), code))
        _set_code(function, code)

    def can_follow(self, code: CodeType) -> bool:
        """Return whether code has the instructions; running code cannot get them any more."""
        return id(code) in self._originals

    def close(self) -> None:
        """Restore the code, except where the suite has replaced it."""
        for function, code, injected in reversed(self._functions):
            if _get_code(function) is injected:
                _set_code(function, code)
        self._functions.clear()

    def _inner(self, code: CodeType) -> CodeType:
        """Return the code of a nested function: with instructions if it is a generator or coroutine."""
        if kind_of(code) != SIMPLE:
            return self._code(code, self._events.start)
        inner = [self._inner(c) if type(c) is CodeType else c for c in code.co_consts]
        if any(new is not old for new, old in zip(inner, code.co_consts)):
            return code.replace(co_consts=tuple(inner))
        return code

    def _code(self, code: CodeType, start: Callable[..., Any]) -> CodeType:
        """Return the replacement: one for each code, so that functions that share code still share it."""
        if id(code) in self._originals:
            return code
        if id(code) not in self._injected:
            injected = self._inject(code, self._events, start, self._inner)
            self._injected[id(code)] = (code, injected)
            self._originals[id(injected)] = injected
        return self._injected[id(code)][1]


def _with_their_code(functions: list[FunctionType]) -> list[FunctionType]:
    """Return the functions, and all others that share their code."""
    codes = {id(_get_code(function)): _get_code(function) for function in functions}
    found = {id(function): function for function in functions}
    for referrer in gc.get_referrers(*codes.values()) if codes else ():
        if type(referrer) is FunctionType and id(_get_code(referrer)) in codes:
            found[id(referrer)] = referrer
    return list(found.values())

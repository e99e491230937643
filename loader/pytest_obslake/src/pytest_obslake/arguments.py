"""What a function was called with, read off its frame when its body begins.

How an argument was passed cannot be seen there, so calls that mean the same are the same: what has the value
of its default is left out, and of the rest what comes first stands by position.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType
from typing import Any

_MISSING: Any = object()

# Where equal values of these types are the same value. Zeros have signs, so floats are not among them.
_PLAIN = (bool, int, str, bytes)


class Parameters:
    """The parameters of a function, and what they are bound to."""

    def __init__(self, function: FunctionType, has_subject: bool) -> None:
        """Take a function, whose first parameter may be the object that it is called on."""
        code = function.__code__
        names = code.co_varnames
        n_positional = code.co_argcount
        end = n_positional + code.co_kwonlyargcount
        self._function = function
        self._positional = names[:n_positional]
        self._n_positional_only = code.co_posonlyargcount
        self._keyword_only = names[n_positional:end]
        self._rest: str | None = None
        self._keywords: str | None = None
        if code.co_flags & inspect.CO_VARARGS:
            self._rest = names[end]
            end += 1
        if code.co_flags & inspect.CO_VARKEYWORDS:
            self._keywords = names[end]
        self._first = 1 if has_subject else 0
        self._names: list[str] | None = None
        self._operations: dict[tuple[Any, ...], str] = {}

    def read(self, variables: Mapping[str, Any]) -> tuple[Any, list[Any], dict[str, Any]]:
        """Return the object that it is called on, what stands by position, and what by name."""
        passed = [variables[name] for name in self._positional]
        defaults = self._function.__defaults__
        rest = variables[self._rest] if self._rest is not None else ()
        keywords: dict[str, Any] = {}
        if rest:
            passed.extend(rest)
        elif defaults:
            passed = self._without_defaults(passed, defaults, keywords)
        if self._keyword_only:
            ours = self._function.__kwdefaults__ or {}
            for name in self._keyword_only:
                value = variables[name]
                if name not in ours or _differs(value, ours[name]):
                    keywords[name] = value
        if self._keywords is not None:
            keywords.update(variables[self._keywords])
        if not self._first:
            return None, passed, keywords
        return (passed[0], passed[1:], keywords) if passed else (_MISSING, passed, keywords)

    def _without_defaults(
        self, values: list[Any], defaults: tuple[Any, ...], keywords: dict[str, Any]
    ) -> list[Any]:
        n_needed = max(len(values) - len(defaults), self._first)
        by_index = (_MISSING,) * (len(values) - len(defaults)) + defaults[-len(values) :]
        is_given = [
            index < n_needed or _differs(value, by_index[index])
            for index, value in enumerate(values)
        ]
        # What can only stand by position takes with it all that stands before.
        end = max(
            (index + 1 for index in range(self._n_positional_only) if is_given[index]), default=0
        )
        while end < len(values) and is_given[end]:
            end += 1
        for index in range(end, len(values)):
            if is_given[index]:
                keywords[self._positional[index]] = values[index]
        return values[:end]

    def operation(self, name: str, n_positional: int, keywords: Mapping[str, Any]) -> str:
        """Return ``name(first, second, keyword)``."""
        key = (name, n_positional, *keywords)
        operation = self._operations.get(key)
        if operation is None:
            if self._names is None:
                self._names = self._all_names()
            names = self._names[:n_positional]
            more = f"*{self._rest}" if self._rest is not None else "argument"
            names += [more] * (n_positional - len(names))
            operation = f"{name}({', '.join([*names, *map(str, keywords)])})"
            if len(self._operations) < 1000:
                self._operations[key] = operation
        return operation

    def _all_names(self) -> list[str]:
        """Return the names by position; those of the function behind a decorator, if it has none itself."""
        function: Any = self._function
        seen = set()
        while not isinstance(function, FunctionType) or not function.__code__.co_argcount:
            following = getattr(function, "__wrapped__", None)
            if following is None or id(following) in seen:
                break
            seen.add(id(following))
            function = following
        if isinstance(function, FunctionType):
            code = function.__code__
            return list(code.co_varnames[self._first : code.co_argcount])
        return []


def is_missing(value: object) -> bool:
    """Whether there was no object to call something on."""
    return value is _MISSING


def _differs(value: Any, default: Any) -> bool:
    if value is default:
        return False
    kind = type(value)
    return not (kind is type(default) and kind in _PLAIN and value == default)

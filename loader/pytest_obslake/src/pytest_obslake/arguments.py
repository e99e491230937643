"""Read the arguments of a call from its frame when the body of the function starts.

The frame does not show how arguments were passed, so equivalent calls have one form: arguments with the value of
their default are left out; the others are positional up to the first gap, and then named.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType
from typing import Any

_MISSING: Any = object()
_NONE: Mapping[str, Any] = {}
_NO_VALUES: list[Any] = []

# Types whose equal values are interchangeable. Floats are not, because zeros have signs.
_PLAIN = (bool, int, str, bytes)


class Parameters:
    """The parameters of a function.

    Attributes:
        is_bare: whether the only parameter is the object that it is called on.
    """

    def __init__(self, function: FunctionType, has_subject: bool) -> None:
        """Take a function; with `has_subject`, its first parameter is the object that it is called on."""
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
        self._is_simple = not (self._rest or self._keywords or self._keyword_only)
        self.is_bare = self._is_simple and has_subject and n_positional == 1

    def read(self, variables: Mapping[str, Any]) -> tuple[Any, list[Any], Mapping[str, Any]]:
        """Return the object that it is called on, the positional arguments and the named ones."""
        if self.is_bare:
            return variables[self._positional[0]], _NO_VALUES, _NONE
        passed = [variables[name] for name in self._positional]
        if self._is_simple and not self._function.__defaults__:
            return (passed.pop(0) if self._first else None), passed, _NONE
        keywords: Mapping[str, Any] = _NONE
        rest = variables[self._rest] if self._rest is not None else ()
        if rest:
            passed.extend(rest)
        else:
            defaults = self._function.__defaults__
            if defaults:
                keywords = self._leave_out_defaults(passed, defaults)
        if self._keyword_only or self._keywords is not None:
            keywords = {**keywords, **self._by_name(variables)}
        if not self._first:
            return None, passed, keywords
        return (passed.pop(0), passed, keywords) if passed else (_MISSING, passed, keywords)

    def _by_name(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        defaults = self._function.__kwdefaults__ or _NONE
        found = {
            name: variables[name]
            for name in self._keyword_only
            if name not in defaults or _differs(variables[name], defaults[name])
        }
        if self._keywords is not None:
            found.update(variables[self._keywords])
        return found

    def _leave_out_defaults(
        self, values: list[Any], defaults: tuple[Any, ...]
    ) -> Mapping[str, Any]:
        """Remove defaults from the end of the values; return the arguments that must be named as a result."""
        last = len(values)
        shift = len(defaults) - last
        n_needed = max(-shift, self._first)
        while last > n_needed and (
            values[last - 1] is defaults[last - 1 + shift]
            or not _differs(values[last - 1], defaults[last - 1 + shift])
        ):
            last -= 1
        if last == n_needed:
            del values[last:]
            return _NONE
        # A positional-only argument keeps all arguments before it.
        end = min(last, max(n_needed, self._n_positional_only))
        while end < last and _differs(values[end], defaults[end + shift]):
            end += 1
        keywords = {
            self._positional[index]: values[index]
            for index in range(end, last)
            if _differs(values[index], defaults[index + shift])
        }
        del values[end:]
        return keywords

    def names(self, n_positional: int) -> list[str]:
        """Return the names of the positional arguments."""
        if self._names is None:
            self._names = self._all_names()
        names = self._names[:n_positional]
        more = f"*{self._rest}" if self._rest is not None else "argument"
        return names + [more] * (n_positional - len(names))

    def _all_names(self) -> list[str]:
        """Return the names by position, or those of the function behind a decorator if it has none."""
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


def _differs(value: Any, default: Any) -> bool:
    if value is default:
        return False
    kind = type(value)
    return not (kind is type(default) and kind in _PLAIN and value == default)

"""The text of an operation: the name of what is called, and of the arguments that are passed."""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any, Callable

from pytest_obslake.targets import CLASS_METHOD, CONSTRUCTOR, METHOD, PROPERTY, Target


class Signature:
    """The names of a callable's parameters, for the text of its operation."""

    def __init__(self, target: Target, original: Callable[..., Any]) -> None:
        """Look at the callable only when it is called for the first time."""
        self.target = target
        self._original = original
        self._positional: list[str] | None = None
        self._rest = ""
        self._operations: dict[tuple[Any, ...], str] = {}

    def operation(self, operation_name: str, n_positional: int, kwargs: dict[str, Any]) -> str:
        """Return ``name(first, second, keyword)``, of the arguments that are passed; of a property its name."""
        if self.target.kind == PROPERTY:
            return self.target.key
        key = (operation_name, n_positional, *kwargs)
        operation = self._operations.get(key)
        if operation is None:
            if self._positional is None:
                self._positional, self._rest = self._parameters()
            names = self._positional[:n_positional]
            names += [self._rest or f"argument{index}" for index in range(len(names), n_positional)]
            operation = f"{operation_name}({', '.join([*names, *map(str, kwargs)])})"
            if len(self._operations) < 1000:
                self._operations[key] = operation
        return operation

    def _parameters(self) -> tuple[list[str], str]:
        function: Any = self._original
        seen = set()
        while not isinstance(function, FunctionType) or not function.__code__.co_argcount:
            following = getattr(function, "__wrapped__", None)
            if following is None or id(following) in seen:
                break
            seen.add(id(following))
            function = following
        is_bound = self.target.kind in (METHOD, CONSTRUCTOR, CLASS_METHOD)
        has_signature = "__signature__" in getattr(self._original, "__dict__", ())
        if isinstance(function, FunctionType) and not has_signature:
            code = function.__code__
            positional = list(code.co_varnames[: code.co_argcount])
            rest = ""
            if code.co_flags & inspect.CO_VARARGS:
                rest = "*" + code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
            return positional[1 if is_bound else 0 :], rest
        try:
            parameters = list(inspect.signature(self._original).parameters.values())
        except (ValueError, TypeError):
            return [], ""
        positional = [
            parameter.name
            for parameter in parameters
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
        rest = "".join(f"*{p.name}" for p in parameters if p.kind is p.VAR_POSITIONAL)
        return positional[1 if is_bound else 0 :], rest

"""Steps of tests, and the texts of their arguments and responses."""

from __future__ import annotations

import inspect
import json
import weakref
from types import CodeType, FrameType
from typing import Any

from pytest_obslake import values

from .targets import Candidate, Found, constructor_of

_PLAIN = (type(None), bool, int, float, str, bytes, complex)


class Attempt:
    """One attempt at one test."""

    def __init__(self, test_id: str) -> None:
        """Start without steps."""
        self.test_id = test_id
        self.n_steps = 0
        self.rows: dict[int, tuple[Any, int]] = {}


class Step:
    """A call that has started."""

    def __init__(self, attempt: Attempt, candidate: Candidate, code: CodeType) -> None:
        """Take the next number of the attempt."""
        self.attempt = attempt
        self.candidate = candidate
        self.code = code
        self.number = attempt.n_steps
        attempt.n_steps += 1
        self.name = candidate.name
        self.on: str | None = None
        self.arguments: list[tuple[str, str, bool]] = []
        self.made: Any = None
        self.generator: Any = None
        self.errors: list[BaseException] = []
        self.raised_at: int | None = None
        self.items: list[str] = []
        self.missing: str | None = None


class Texts:
    """Writes values as the plugin does, but numbers objects independently."""

    def __init__(self, found: Found) -> None:
        """Keep the functions and classes under test."""
        self._found = found

    def argument(self, step: Step, value: object, is_default: bool = False) -> str:
        """Return the text of an argument or item; a default does not count as an object's first appearance."""
        if self._found.is_under_test(value):
            return json.dumps(self.reference(step, value, is_default))
        text = self._text(value)
        return values.encode_value(text) if text.startswith("$") else text

    def response(self, step: Step, value: object) -> str:
        """Return the text of a response, which numbers an object under test."""
        if self._found.is_under_test(value):
            self.make(step.attempt, value, step.number)
            return self.reference(step, value)
        return self._text(value)

    def _text(self, value: object) -> str:
        try:
            return values.encode_value(value)
        except values.NotSerializable as finding:
            return finding.response
        except Exception:
            return f"{values.NOT_AVAILABLE}@{type(value).__qualname__}"

    def iterator(self, step: Step, tag: str) -> str:
        """Return the text of the items that a generator yielded."""
        return step.missing or f'{{"{tag}":[{",".join(step.items)}]}}'

    def reference(self, step: Step, value: object, is_default: bool = False) -> str:
        """Return the name of an object under test; one without a constructor is numbered at first appearance."""
        if constructor_of(type(value)) is None and not is_default:
            self.make(step.attempt, value, step.number)
        row = self.row(step.attempt, value)
        text = f"$CUT@{type(value).__qualname__}"
        return text if row is None else f"{text}@{row}"

    def row(self, attempt: Attempt, value: object) -> int | None:
        """Return the number of an object under test, or None if no step has made it."""
        holder, row = attempt.rows.get(id(value), (None, None))
        if holder is None:
            return None
        held = holder() if isinstance(holder, weakref.ref) else holder[0]
        return row if held is value else None

    def make(self, attempt: Attempt, value: object, row: int) -> None:
        """Give an object the number of the step that made it."""
        if self.row(attempt, value) is None:
            try:
                holder: Any = weakref.ref(value)
            except TypeError:
                holder = [value]
            attempt.rows[id(value)] = (holder, row)


def bound_values(candidate: Candidate, frame: FrameType) -> list[tuple[str, Any, bool]]:
    """Return name, value and whether it is the default, for every bound parameter."""
    code, variables = frame.f_code, frame.f_locals
    function = candidate.function
    defaults = function.__defaults__ or ()
    n_positional = code.co_argcount
    names = code.co_varnames[: n_positional + code.co_kwonlyargcount]
    current = dict(zip(names[n_positional - len(defaults) : n_positional], defaults))
    current.update(function.__kwdefaults__ or {})
    bound = [
        (name, variables[name], name in current and _is_same(variables[name], current[name]))
        for name in names
        if name in variables
    ]
    rest = len(names)
    if code.co_flags & inspect.CO_VARARGS:
        name = code.co_varnames[rest]
        rest += 1
        bound[n_positional:n_positional] = [("*" + name, value, False) for value in variables[name]]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        keywords = variables[code.co_varnames[rest]]
        bound += [(str(name), value, False) for name, value in keywords.items()]
    return bound


def _is_same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    return type(value) is type(default) and type(value) in _PLAIN and repr(value) == repr(default)

"""The examples of Hypothesis tests: each is recorded as its own test, identified by its arguments."""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
import threading
import weakref
from collections.abc import Iterable
from functools import partial
from types import FrameType, FunctionType
from typing import Any, Callable

from pytest_obslake import leftout, values
from pytest_obslake.attempts import Attempt
from pytest_obslake.isolation import private_modules
from pytest_obslake.observing import Handler
from pytest_obslake.recorder import Recorder
from pytest_obslake.references import ClassesUnderTest
from pytest_obslake.sink import quote
from pytest_obslake.steps import Call
from pytest_obslake.unwrapping import behind

_N_HEX = 16
_KEEPS_VARIABLES = sys.version_info < (3, 13)
_modules = sys.modules


class Example(Attempt):
    """The steps of one example, including those that draw its arguments.

    Calls that draw arguments are held back until all arguments are known, and with them the example.
    """

    def __init__(self, test: Attempt, classes: ClassesUnderTest, context: object) -> None:
        """Start inside a build context of Hypothesis; each example has one."""
        super().__init__(test.test_id, test.attempt, classes)
        self._context = None if context is None else weakref.ref(context)
        self.held: list[tuple[Call, str]] = []
        self.answers: dict[int, int] = {}
        self.different: list[str] = []
        self._first: dict[int, int] = {}
        self.take = self._hold

    def is_in(self, context: object) -> bool:
        """Return whether it was started in a context."""
        return self._context is not None and self._context() is context

    def record_as(self, label: str) -> None:
        """Write the steps from now on."""
        self.line = (
            f'{{"record":"call","test_id":{quote(self.test_id)},"example":"{label}","step_id":'
        )
        self.take = self._keep

    def compare_with(self, first: dict[int, int]) -> None:
        """Write nothing from now on, but compare answers with those of an earlier equal example."""
        self._first = first
        self.take = self._compare

    def how_drawn(self) -> str:
        """Return the calls that drew the arguments, as text."""
        calls = sorted(
            (call.step, call.operation, json.loads(call.target), call.inputs)
            for call, _ in self.held
        )
        return "\n".join(f"{step} {what} {on} {inputs}" for step, what, on, inputs in calls)

    def _hold(self, call: Call, output: str) -> bool:
        # No call: the handler of a signal could raise after it, before the step is done.
        self.held += [(call, output)]
        call.is_done = True
        return True

    def _keep(self, call: Call, output: str) -> bool:
        self.answers[call.step] = hash((call.operation, call.target, call.inputs, output))
        return False

    def _compare(self, call: Call, output: str) -> bool:
        if self._first.get(call.step) != hash((call.operation, call.target, call.inputs, output)):
            self.different.append(call.operation.strip('"'))
        return True


class Examples:
    """Separates the examples of tests.

    Attributes:
        n: number of examples.
        n_repeated: number of examples that were repeated in the same attempt.
        n_without_text: number of examples with arguments without a text.
    """

    def __init__(self, recorder: Recorder, classes: ClassesUnderTest) -> None:
        """Start without a test."""
        self.n = 0
        self.n_repeated = 0
        self.n_without_text = 0
        self.n_different = 0
        self._different: dict[str, None] = {}
        self._recorder = recorder
        self._classes = classes
        self._test: Attempt | None = None
        self._body: Example | None = None
        self._open: Example | None = None
        self._has_body = False
        self._context: Callable[[], object] = _no_context
        self._seen: dict[str, dict[int, int]] = {}
        self._first = 0

    def start(self, test: Attempt, function: Any) -> None:
        """Start an attempt at a test, whose function may be run by Hypothesis."""
        self._test = test
        self._seen = {}
        self._first = self.n
        self._has_body = False
        has_contexts = "hypothesis.control" in _modules
        self._context = _contexts() if has_contexts else _no_context
        self._recorder.scope = self._scope if has_contexts else None
        handle = getattr(function, "hypothesis", None)
        inner = getattr(handle, "inner_test", None)
        found = behind(inner, "").functions if inner is not None else []
        if found:
            body = _innermost(found[-1])
            names = _drawn_names(handle, function, body)
            self._recorder.watches.notice(body, partial(self._begins, names))
            self._has_body = True

    def end(self) -> bool:
        """End the attempt; return whether there were examples."""
        self._end_body()
        self._discard()
        self._recorder.scope = self._test = None
        self._seen = {}
        return self.n > self._first

    def record(self) -> dict[str, Any]:
        """Return the counts for the last record; empty if there were no examples."""
        if not self.n:
            return {}
        return {
            "count": self.n,
            "repeated": self.n_repeated,
            "without_text": self.n_without_text,
            "different_answers": self.n_different,
            "operations": list(self._different),
        }

    def lines(self) -> list[str]:
        """Return the counts for the report."""
        if not self.n:
            return []
        line = f"{self.n} examples drawn by Hypothesis, {self.n_repeated} of them repeated"
        if self.n_without_text:
            line += f"; {self.n_without_text} have arguments without a text, and are identified by their calls"
        if self.n_different:
            names = ", ".join(self._different)
            line += f"; {self.n_different} answers differ for equal arguments ({names})"
        return [line]

    # -- from draw to draw

    def _scope(self, test: Attempt) -> Attempt:
        """Return the owner of starting steps: the test, or the example being drawn."""
        if self._body is not None:
            return test
        context = self._context()
        if context is None:
            return test
        if self._open is None or not self._open.is_in(context):
            self._discard()
            self._open = Example(test, self._classes, context)
            if not self._has_body:
                # State machines, and examples that a test runs itself, can only be identified by their calls.
                self.n += 1
                self.n_without_text += 1
                self._write(self._open, f"#{self.n - self._first}", None)
        return self._open

    def _begins(self, names: frozenset[str], frame: FrameType) -> None:
        """Start an example when the body of the test starts."""
        self._end_body()
        test = self._test
        if test is None:
            return
        example, self._open = self._open, None
        if example is not None and not example.is_in(self._context()):
            self._discard_calls(example)
            example = None
        example = example or Example(test, self._classes, None)
        variables = frame.f_locals
        given = _given(names, frame, variables)
        arguments = [self._argument(example, name, value) for name, value in sorted(given.items())]
        if _KEEPS_VARIABLES:
            variables.clear()
        text = f"[{','.join(arguments)}]"
        self.n += 1
        self._body = example
        self._write(example, self._label(example, text), text)
        self._recorder.turn_to(example)
        self._recorder.events.follow(_End(self, id(frame)))

    def _label(self, example: Example, text: str) -> str:
        """Return the id of an example: a hash of its arguments and the calls that drew them, else its number."""
        drawn = example.how_drawn()
        if values.NOT_AVAILABLE in text or values.NOT_AVAILABLE in drawn:
            self.n_without_text += 1
            return f"#{self.n - self._first}"
        return _hash(f"{text}\n{drawn}" if drawn else text)

    def _argument(self, example: Example, name: str, value: object) -> str:
        texts = self._recorder.texts
        text = texts.plain(value)
        if text is None and self._classes.have_made(value):
            reference = example.references.known(value)
            text = values.encode_value(reference or f"{values.NOT_AVAILABLE}@{values.CUT_PREFIX}")
        if text is None:
            text = texts.argument(example, value, 0)
        return f'{{"$keyword":[{quote(name)},{text}]}}'

    def _write(self, example: Example, label: str, arguments: str | None) -> None:
        """Write an example and its calls held back so far; if it is a repetition, only compare it."""
        first = self._seen.get(label)
        if first is not None:
            self.n_repeated += 1
            example.compare_with(first)
        else:
            self._seen[label] = example.answers
            self._recorder.sink.write(
                {
                    "record": "example",
                    "test_id": example.test_id,
                    "attempt": example.attempt,
                    "example": label,
                    "arguments": arguments,
                }
            )
            example.record_as(label)
        held, example.held = example.held, []
        for call, output in held:
            self._recorder.write(call, output)

    def _end_body(self) -> None:
        example, self._body = self._body, None
        if example is None or self._test is None:
            return
        self._recorder.turn_to(self._test)
        self._end_steps(example)

    def _end_steps(self, example: Example) -> None:
        self._recorder.abandon(example)
        self.n_different += len(example.different)
        for operation in example.different:
            if len(self._different) < 3:
                self._different[operation] = None

    def _discard(self) -> None:
        """End an example whose body has not started."""
        example, self._open = self._open, None
        if example is not None:
            self._discard_calls(example)

    def _discard_calls(self, example: Example) -> None:
        self._end_steps(example)
        for call, _ in example.held:
            self._recorder.left_out.add(leftout.DISCARDED, call.operation.strip('"'))


class _End(Handler):
    """Handles the end of the body of an example."""

    def __init__(self, examples: Examples, key: int) -> None:
        super().__init__(key)
        self._examples = examples

    def returned(self, code: Any, offset: Any, value: Any) -> None:
        recorder = self._examples._recorder
        recorder.events.forget(self.key)
        try:
            self._examples._end_body()
        except Exception as error:
            recorder.note(error)

    def unwound(self, code: Any, offset: Any, error: BaseException) -> None:
        self.returned(code, offset, None)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_N_HEX]


def _no_context() -> object:
    return None


def _contexts() -> Callable[[], object]:
    """Return a function that returns the current build context of Hypothesis, or None outside of examples."""
    variable = getattr(_modules["hypothesis.control"], "_current_build_context", None)
    data = getattr(variable, "data", None)
    # Reads what the property reads, but without a Python frame.
    if type(data) is threading.local:
        return partial(getattr, data, "value", None)
    return partial(getattr, variable, "value", None)


def _innermost(function: FunctionType) -> FunctionType:
    """Return the function behind decorators, such as those that run a coroutine or patch something."""
    seen: set[int] = set()
    while id(function) not in seen:
        seen.add(id(function))
        found = behind(vars(function).get("__wrapped__"), "").functions
        if found:
            function = found[-1]
    return function


def _drawn_names(handle: Any, function: Callable[..., Any], body: FunctionType) -> frozenset[str]:
    """Return the parameters that Hypothesis draws: all except fixtures and ``self``."""
    given: Iterable[str] | None = getattr(handle, "_given_kwargs", None)
    if given is None:
        code = body.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        try:
            given = set(names) - set(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            given = names
    return frozenset(given)


def _given(names: frozenset[str], frame: FrameType, variables: Any) -> dict[str, Any]:
    code = frame.f_code
    given = {name: variables[name] for name in names if name in variables}
    if len(given) < len(names) and code.co_flags & inspect.CO_VARKEYWORDS:
        index = code.co_argcount + code.co_kwonlyargcount
        index += bool(code.co_flags & inspect.CO_VARARGS)
        rest = variables[code.co_varnames[index]]
        given.update({name: rest[name] for name in names if name in rest})
    return given


private_modules(globals())

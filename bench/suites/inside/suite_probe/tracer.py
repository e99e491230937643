"""A pytest plugin that traces calls with `sys.settrace`: a second opinion on the records of pytest-obslake.

It shares the texts of values with the plugin so that they can be compared. It finds targets, calls, arguments
and answers, and tells calls of tests from calls of targets, with its own code. It slows a suite down and is
visible in its frames; so outcomes are compared first.
"""

from __future__ import annotations

import gc
import inspect
import json
import os
import sys
import threading
import weakref
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from pytest_obslake import values

from .frames import begins, has_just_begun, new_frame, operation, watch_closely
from .steps import Attempt, Step, Texts, bound_values
from .targets import Candidate, Found, constructor_of

_YIELDS = frozenset(("YIELD_VALUE", "YIELD_FROM"))
_RETURNS = frozenset(("RETURN_VALUE", "RETURN_CONST"))
_FORMS = {"setter": "{} = value", "deleter": "del {}"}
_EXPLAINERS = ("_pytest.assertion", "_pytest._io", "_pytest._code", "reprlib")
_INTERRUPTIONS = frozenset(("KeyboardInterrupt", "GeneratorExit", "CancelledError"))
_LATER_FLAGS = (
    inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
    | inspect.CO_ITERABLE_COROUTINE
)
_GENERATOR_FLAGS = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    parser.addoption("--suite-trace", metavar="FILE", help="file for the calls")
    parser.addoption("--suite-trace-target", action="append", help="same as --obslake-target")


def pytest_configure(config: pytest.Config) -> None:
    """Trace, if the option is given."""
    file = config.getoption("--suite-trace")
    if file:
        targets = config.getoption("--suite-trace-target")
        config.pluginmanager.register(Tracer(Path(file), targets), "suite-tracer")


class Tracer:
    """Traces the calls of targets in the tests of a session."""

    def __init__(self, file: Path, targets: list[str]) -> None:
        """Open the file; tracing starts when the tests are collected."""
        self._lines = file.open("w", encoding="utf-8")
        self._found = Found(targets)
        self._texts = Texts(self._found)
        self._attempt: Attempt | None = None
        self._open: dict[int, Step] = {}
        self._is_started = False
        os.register_at_fork(after_in_child=self._stop)

    # -- pytest hooks

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Look for the targets once the test modules have imported them."""
        self._found.look()
        self._is_started = True
        threading.settrace(self._trace)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Start tracing a test."""
        if self._is_started:
            self._found.take_new_code()
            self._attempt = Attempt(item.nodeid)
            sys.settrace(self._trace)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[Any]) -> None:
        """Stop tracing a test: the answer of an open generator is the items it has yielded so far."""
        attempt = self._attempt
        if call.when != "teardown" or attempt is None:
            return
        self._attempt = None
        for key, step in list(self._open.items()):
            if step.attempt is attempt and step.code.co_flags & _GENERATOR_FLAGS:
                self._abandon(key, step)
        attempt.rows.clear()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Close the file."""
        self._stop()
        self._lines.close()

    def _stop(self) -> None:
        self._attempt = None
        threading.settrace(None)  # type: ignore[arg-type]
        sys.settrace(None)

    def _fail(self, error: Exception) -> None:
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        line = where.tb_lineno if where is not None else 0
        text = f"{type(error).__name__}: {error}, line {line}"
        self._lines.write(json.dumps({"failure": text}) + "\n")

    # -- events of the interpreter

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Handle the start of a frame, or the resumption of a generator or coroutine."""
        attempt = self._attempt
        if attempt is None or event != "call":
            return None
        try:
            return self._entered(attempt, frame)
        except Exception as error:  # otherwise it would be raised in the suite
            self._fail(error)
            return None

    def _entered(self, attempt: Attempt, frame: FrameType) -> Any:
        code = frame.f_code
        step = self._open.get(id(frame))
        if step is not None and step.code is code:
            is_waiting = step.generator is not None and step.generator() is not None
            if is_waiting or (step.generator is None and not has_just_begun(frame)):
                step.generator = None
                frame.f_trace_lines = False
                return self._trace_target
            # A new frame reuses the id of one that never started or never finished.
            self._abandon(id(frame), step)
        if code.co_name == "<module>" and self._is_of_package(frame):
            frame.f_trace_lines = False
            return self._trace_module
        if id(code) not in self._found.by_code:
            return None
        if code.co_flags & _LATER_FLAGS and not begins(frame):
            return None  # it started inside another target, or is closed before it started
        candidate = self._found.candidate(frame)
        if candidate is None or self._is_inside(frame) or _is_explanation(candidate, frame):
            return None
        step = self._begin(attempt, candidate, frame)
        if step is None:
            return None
        self._open[id(frame)] = step
        frame.f_trace_lines = False
        return self._trace_target

    def _trace_module(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Look for targets again after a module of their package has been executed."""
        if event == "return":
            try:
                self._found.look()
            except Exception:  # the module is not complete yet
                return None
        return self._trace_module

    def _trace_target(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Handle the events in the frame of a step."""
        step = self._open.get(id(frame))
        if step is None:
            return None
        try:
            self._happened(step, frame, event, argument)
        except Exception as error:
            self._fail(error)
        return self._trace_target

    def _happened(self, step: Step, frame: FrameType, event: str, argument: Any) -> None:
        if event == "exception":
            step.errors.append(argument[1])
            # An exception thrown into a generator is raised at a yield; a further event means it was caught.
            step.raised_at = frame.f_lasti
            watch_closely(frame, True)
        elif event in ("opcode", "line"):
            step.raised_at = None
            watch_closely(frame, False)
        elif event == "return":
            at = operation(frame)
            is_raising = step.raised_at == frame.f_lasti
            if at in _YIELDS and not is_raising:
                self._yielded(step, argument)
                return
            del self._open[id(frame)]
            if at in _RETURNS and not is_raising:
                self._returned(step, argument)
            else:
                self._unwound(step, frame, at)

    def _yielded(self, step: Step, value: Any) -> None:
        flags = step.code.co_flags
        if flags & inspect.CO_ASYNC_GENERATOR:
            if type(value).__name__ != "async_generator_wrapped_value":
                return  # it awaits something
            (value,) = gc.get_referents(value)
        elif not flags & inspect.CO_GENERATOR or flags & inspect.CO_ITERABLE_COROUTINE:
            return
        text = self._argument(step, value)
        if text.startswith('"$N/A') and type(value) is not str:
            step.missing = step.missing or json.loads(text)
        step.items.append(text)

    def _returned(self, step: Step, value: Any) -> None:
        flags = step.code.co_flags
        if flags & _GENERATOR_FLAGS and not flags & inspect.CO_ITERABLE_COROUTINE:
            is_closed = bool(step.errors) and isinstance(step.errors[-1], GeneratorExit)
            tag = "$iterator_prefix" if is_closed else "$iterator"
            self._write(step, self._texts.iterator(step, tag))
        elif step.made is not None:
            self._write(step, self._texts.response(step, step.made))
        elif not self._follow(step, value):
            self._write(step, self._texts.response(step, value))

    def _follow(self, step: Step, value: Any) -> bool:
        """Let a step end with the generator or coroutine that it returned, if that has not started."""
        frame = new_frame(value)
        if frame is None or id(frame) in self._open:
            return False
        self._wait(step, frame, value)
        return True

    def _wait(self, step: Step, frame: FrameType, later: Any) -> None:
        step.code = frame.f_code
        step.generator = weakref.ref(later)
        self._open[id(frame)] = step

    def _abandon(self, key: int, step: Step) -> None:
        del self._open[key]
        if step.code.co_flags & _GENERATOR_FLAGS:
            self._write(step, self._texts.iterator(step, "$iterator_prefix"))

    def _argument(self, step: Step, value: Any, is_default: bool = False) -> str:
        """Return an argument's text; a target's generator starts its step when passed to another target."""
        frame = new_frame(value)
        if frame is not None and id(frame) not in self._open:
            candidate = self._found.candidate(frame)
            begun = self._begin(step.attempt, candidate, frame) if candidate is not None else None
            if begun is not None:
                self._wait(begun, frame, value)
        return self._texts.argument(step, value, is_default)

    def _unwound(self, step: Step, frame: FrameType, at: str) -> None:
        kinds = {id(error) for error in step.errors}
        if at == "RERAISE" and len(kinds) > 1:
            # It is unknown which one leaves the frame; the calling frame receives it.
            outer = frame.f_back
            if outer is not None:
                self._ask(outer, step)
                return
        self._raised(step, step.errors[-1] if step.errors else None)

    def _ask(self, frame: FrameType, step: Step) -> None:
        before, lines = frame.f_trace, frame.f_trace_lines

        def hear(frame: FrameType, event: str, argument: Any) -> Any:
            frame.f_trace_lines = lines
            if before is None:
                del frame.f_trace
            else:
                frame.f_trace = before
                before(frame, event, argument)
            self._raised(step, _leaving(step, argument[1] if event == "exception" else None))
            return before

        frame.f_trace_lines = False
        frame.f_trace = hear

    def _raised(self, step: Step, error: BaseException | None) -> None:
        step.errors = []
        if error is None:
            return
        is_iterator = step.code.co_flags & _GENERATOR_FLAGS
        if isinstance(error, GeneratorExit) and is_iterator:
            self._write(step, self._texts.iterator(step, "$iterator_prefix"))
            return
        if is_iterator and isinstance(error, (StopIteration, StopAsyncIteration)):
            what = "generator" if step.code.co_flags & inspect.CO_GENERATOR else "async generator"
            error = RuntimeError(f"{what} raised {type(error).__name__}")
        names = {cls.__name__ for cls in type.__dict__["__mro__"].__get__(type(error))}
        if "OutcomeException" in names:
            if str(getattr(error, "msg", "")).startswith("Timeout "):
                self._write(step, values.TIMEOUT)
        elif not names & _INTERRUPTIONS:
            self._write(step, values.exception_response(error))

    # -- steps

    def _begin(self, attempt: Attempt, candidate: Candidate, frame: FrameType) -> Step | None:
        bound = bound_values(candidate, frame)
        kind = candidate.kind
        on: str | None = None
        made = None
        name = candidate.name
        if kind == "static method" and candidate.owner is not None:
            on = candidate.owner.__qualname__
        elif kind != "function":
            if not bound:
                return None
            _, receiver, _ = bound.pop(0)
            if kind == "class method":
                on = receiver.__qualname__ if isinstance(receiver, type) else None
            elif kind == "constructor" and name == "__new__":
                if constructor_of(receiver) != ("__new__", candidate.function):
                    return None
                if not self._found.is_class_under_test(receiver):
                    return None
                on, name = receiver.__qualname__, receiver.__name__
            elif not self._found.is_under_test(receiver):
                return None
            elif kind == "constructor" and self._texts.row(attempt, receiver) is None:
                made = receiver
                on = type(receiver).__qualname__
                name = type(receiver).__name__
        step = Step(attempt, candidate, frame.f_code)
        if on is None and kind not in ("function", "class method"):
            on = self._texts.reference(step, receiver)
        if kind in _FORMS:
            name = _FORMS[kind].format(name)
            bound = [("argument0", value, False) for _, value, _ in bound]
        step.name, step.on, step.made = name, on, made
        step.arguments = [
            (parameter, self._argument(step, value, is_default), is_default)
            for parameter, value, is_default in bound
        ]
        if made is not None:
            self._texts.make(attempt, made, step.number)
        return step

    def _is_inside(self, frame: FrameType) -> bool:
        """Whether one of its callers is a target."""
        outer = frame.f_back
        while outer is not None:
            step = self._open.get(id(outer))
            if step is not None and step.code is outer.f_code:
                return True
            outer = outer.f_back
        return False

    def _is_of_package(self, frame: FrameType) -> bool:
        name = frame.f_globals.get("__name__")
        return isinstance(name, str) and name.partition(".")[0] in self._found.packages

    def _write(self, step: Step, output: str) -> None:
        if self._lines.closed:
            return
        line = {
            "test_id": step.attempt.test_id,
            "step": step.number,
            "kind": step.candidate.kind,
            "name": step.name,
            "target": step.on,
            "arguments": step.arguments,
            "output": output,
        }
        self._lines.write(json.dumps(line) + "\n")


def _leaving(step: Step, error: BaseException | None) -> BaseException:
    """Return the exception that left a frame: the one its caller received, if it was raised in the frame."""
    if error is not None and any(each is error for each in step.errors):
        return error
    # A closed generator raises nothing in its caller.
    closing = [each for each in step.errors if isinstance(each, GeneratorExit)]
    return (closing or step.errors)[-1]


def _is_explanation(candidate: Candidate, frame: FrameType) -> bool:
    """Whether pytest itself makes the call to display an object."""
    if candidate.kind == "constructor" or not candidate.name.startswith("__"):
        return False
    caller = frame.f_back.f_globals.get("__name__") if frame.f_back else None
    return isinstance(caller, str) and caller.startswith(_EXPLAINERS)

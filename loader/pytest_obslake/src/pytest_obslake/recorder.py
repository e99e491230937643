"""Record the calls of targets as steps of the running test."""

from __future__ import annotations

import os
import sys
import weakref
from types import FrameType
from typing import Any, Callable

from pytest_obslake import leftout, steps, values
from pytest_obslake.attempts import Attempt, now, second_text
from pytest_obslake.births import Births
from pytest_obslake.calls import Calls
from pytest_obslake.isolation import private_modules
from pytest_obslake.leftout import LeftOut
from pytest_obslake.observing import Events, mechanism
from pytest_obslake.process import SHORTEST, ProcessNames
from pytest_obslake.references import ClassesUnderTest
from pytest_obslake.sink import Sink, quote
from pytest_obslake.steps import EPOCH
from pytest_obslake.targets import full_name
from pytest_obslake.texts import Texts
from pytest_obslake.watches import Watches

_LOST = "the end of a call was missed, and with it the later calls of its thread in the test"

DEFAULT_MAX_BYTES = 64 * 1024

_EXPLAINERS = ("_pytest.assertion", "_pytest._io", "_pytest._code", "reprlib")
_KEEPS_VARIABLES = sys.version_info < (3, 13)

_NO_INPUTS = '"[]"'
_ENDS = [f"{microsecond:03d}+00:00" for microsecond in range(1000)]
"""The text of a timestamp after its millisecond: the microsecond, and the zone."""


class Recorder:
    """Records the answers of targets while a test runs.

    Attributes:
        names: counts the texts that name the process.
        scope: returns the owner of starting steps if tests have examples.
    """

    def __init__(
        self,
        sink: Sink,
        classes: ClassesUnderTest,
        max_bytes: int = DEFAULT_MAX_BYTES,
        is_nested: bool = False,
    ) -> None:
        """Write to the sink; a text of more than `max_bytes` is recorded as its hash.

        With `is_nested`, calls between targets are also recorded.
        """
        self.sink = sink
        self.n_tests = 0
        self.failures: dict[str, int] = {}
        self.left_out = LeftOut()
        self.texts = Texts(max_bytes)
        self.is_nested = is_nested
        self.events = Events(self.begin, self.note)
        self.calls = Calls(self, classes)
        self.watches = Watches(mechanism(self.events), Births(self).track)
        self._classes = classes
        self.names: ProcessNames | None = None
        self.scope: Callable[[Attempt], Attempt] | None = None
        self._attempt: Attempt | None = None
        self._attempts: dict[str, int] = {}
        self.plain = self.texts.plain
        self._millisecond = (0, "")
        _recorders.add(self)

    def close(self) -> None:
        """Stop observing, and close the file."""
        self.events.clear()
        self.watches.close()
        self.sink.close()

    # -- tests

    def start_test(self, test_id: str) -> Attempt:
        """Begin an attempt at a test; calls from now on are its steps."""
        self._look_for_lost()
        self.events.leave()
        attempt = self._attempts.get(test_id, -1) + 1
        self._attempts[test_id] = attempt
        self._attempt = Attempt(test_id, attempt, self._classes)
        self.sink.write(
            {"record": "start", "test_id": test_id, "attempt": attempt, "started_at": now()}
        )
        return self._attempt

    def end_steps(self) -> None:
        """End the attempt; record unfinished iterators with the values so far."""
        self._look_for_lost()
        test, self._attempt = self._attempt, None
        if test is not None:
            self.abandon(test)

    def _look_for_lost(self) -> None:
        """Count threads that missed the end of a call."""
        n_lost = self.events.forget_lost()
        if n_lost:
            self.failures[_LOST] = self.failures.get(_LOST, 0) + n_lost

    @property
    def attempt(self) -> Attempt | None:
        """The running attempt at a test, or the running example of it."""
        test = self._attempt
        return test if test is None or self.scope is None else self.scope(test)

    def turn_to(self, test: Attempt) -> None:
        """Assign steps from now on to an example, or to its test again."""
        self._attempt = test

    def abandon(self, test: Attempt) -> None:
        """Record unfinished iterators with the values so far."""
        self.events.enter()
        try:
            for call in list(test.open.values()):
                call.abandoned()
        except Exception as error:
            self.note(error)
        finally:
            self.events.leave()

    def end_test(
        self, test: Attempt, outcome: str, seconds: float, file: str, line: int | None
    ) -> None:
        """Write the record of a finished attempt."""
        self.n_tests += 1
        self.sink.write(
            {
                "record": "test",
                "test_id": test.test_id,
                "attempt": test.attempt,
                "outcome": outcome,
                "duration_ns": round(seconds * 1e9),
                "file": file,
                "line": (line or 0) + 1,
                "n_steps": next(test.steps),
                **test.drawn,
            }
        )
        self.sink.settle()

    def write_end(self, more: dict[str, Any]) -> None:
        """Write the last record."""
        self.sink.write(
            {
                "record": "end",
                "ended_at": now(),
                "n_calls": self.sink.n_calls,
                "n_tests": self.n_tests,
                "left_out": self.left_out.records(),
                "failures": self.failures,
                **more,
            }
        )

    # -- calls

    def begin(self, frame: FrameType) -> bool:
        """Begin a step when a body starts; return whether calls inside of it are ignored."""
        watch = self.watches.get(id(frame.f_code))
        if watch is None:
            return False
        if watch.notice is not None:
            watch.notice(frame)
            return False
        test = self._attempt
        if test is None:
            return False
        variables = frame.f_locals
        bound = watch.sole
        try:
            if self.scope is not None:
                test = self.scope(test)
            if watch.kind != steps.SIMPLE:
                self.calls.end_of_dead(frame)
            if (
                bound is None
                or bound.globals is not frame.f_globals
                or bound.function.__kwdefaults__
            ):
                bound = watch.find(frame, variables)
            if bound is None or (bound.explains and _is_explanation(frame)):
                return False
            if bound.bare_operation is not None and watch.kind == steps.SIMPLE:
                subject = variables[bound.subject_name]
                if not self.calls.begin_bare(test, bound.bare_operation, subject, frame):
                    return False
            else:
                call = self.calls.new(test, bound, watch.kind, variables)
                if call is None:
                    return False
                call.begin(frame)
        except Exception:
            raise
        except BaseException:
            if bound is not None and id(frame) not in self.events.handlers:
                self.left_out.add(leftout.INTERRUPTED, full_name(bound.target))
            raise
        finally:
            if _KEEPS_VARIABLES:
                variables.clear()
        bound.n_calls += 1
        return not self.is_nested

    def begin_stand_in(
        self, operation: str, names: list[str], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> steps.Call | None:
        """Begin a step of a target without a Python body; the caller must call its end handlers."""
        test = self._attempt
        if test is None or self.events.enter():
            return None
        try:
            if self.scope is not None:
                test = self.scope(test)
            step = next(test.steps)
            inputs = self.calls.inputs(test, step, list(args), kwargs)
            words = names[: len(args)]
            words += [f"argument{index}" for index in range(len(words), len(args))]
            text = f"{operation}({', '.join([*words, *kwargs])})"
            call = steps.Call(self, test, step, quote(text), "null", inputs)
            if self.is_nested:
                self.events.leave()
            call.start_clock()
            return call
        except BaseException as error:
            self.events.leave()
            if not isinstance(error, Exception):
                self.left_out.add(leftout.INTERRUPTED, operation)
                raise
            self.note(error)
            return None

    def write(self, call: steps.Call, output: str) -> None:
        """Write a finished step."""
        test = call.test
        if test.take is not None and test.take(call, output):
            return
        if self.names is not None and (len(output) >= SHORTEST or len(call.inputs) > SHORTEST):
            self.names.look(call, output)
        # The answer is an empty dict; without a kind, its text means that nothing was returned.
        more = ',"response_kind":"value"' if output == values.VOID else ""
        moment = (EPOCH + call.began) // 1000
        first, text = self._millisecond
        if not 0 <= moment - first < 1000:
            first, text = self._turn_to(moment)
        inputs = call.inputs
        self.sink.write_line(
            f'{test.line}{call.step},{test.attempt_text}"operation":{call.operation},'
            f'"target":{call.target},"inputs":{_NO_INPUTS if inputs == "[]" else quote(inputs)},'
            f'"output":{quote(output)},"duration_ns":{call.duration_ns},'
            f'"observed_at":"{text}{_ENDS[moment - first]}"{more}}}\n',
            call,
        )

    def _turn_to(self, moment: int) -> tuple[int, str]:
        """Return the millisecond of a time in microseconds: its first microsecond since 1970, and its text."""
        first = moment - moment % 1000
        second, rest = divmod(first, 1_000_000)
        self._millisecond = first, f"{second_text(second)}.{rest // 1000:03d}"
        return self._millisecond

    # -- what is not recorded

    def note(self, error: BaseException) -> None:
        """Count an error of the recorder; never raises."""
        try:
            text = f"{type(error).__name__}: {error}"
        except Exception:
            text = "?"
        self.failures[text] = self.failures.get(text, 0) + 1

    def stop(self) -> None:
        """Stop recording in a forked child."""
        self._attempt = None
        self.events.clear()
        self.sink.abandon()


def _is_explanation(frame: FrameType) -> bool:
    """Return whether pytest itself makes the call to show an object."""
    caller = frame.f_back
    module = caller.f_globals.get("__name__") if caller is not None else None
    if type(module) is not str:
        return False
    known = _explains.get(module)
    if known is None:
        known = _explains[module] = module.startswith(_EXPLAINERS)
    return known


_explains: dict[str, bool] = {}
_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _stop_all() -> None:
    for recorder in _recorders:
        recorder.stop()


def _count_fork() -> None:
    for recorder in _recorders:
        recorder.left_out.add(leftout.FORKED)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stop_all, after_in_parent=_count_fork)

private_modules(globals())

"""Turn what happens in the functions under test into steps of the test that runs."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Mapping
from types import FrameType
from typing import Any, Callable

from pytest_obslake import leftout, steps, values
from pytest_obslake.attempts import Attempt, now, second_text
from pytest_obslake.isolation import private_modules
from pytest_obslake.later import LaterCall, new_call, new_later_call
from pytest_obslake.leftout import LeftOut
from pytest_obslake.observing import Events, mechanism
from pytest_obslake.process import SHORTEST, ProcessNames
from pytest_obslake.references import (
    ClassesUnderTest,
    find_constructor,
    is_class,
    name,
    qualified_name,
)
from pytest_obslake.sink import Sink, quote
from pytest_obslake.targets import (
    CLASS_METHOD,
    CONSTRUCTOR,
    DELETER,
    MAKER,
    METHOD,
    PROPERTY,
    SETTER,
)
from pytest_obslake.texts import Texts
from pytest_obslake.watches import Bound, Watches

DEFAULT_MAX_BYTES = 64 * 1024

_EXPLAINERS = ("_pytest.assertion", "_pytest._io", "_pytest._code", "reprlib")
_ON_OBJECTS = (METHOD, CONSTRUCTOR, PROPERTY, SETTER, DELETER)
_KEEPS_VARIABLES = sys.version_info < (3, 13)


class Recorder:
    """Records what targets answer while a test runs.

    Attributes:
        names: counts the texts that name the process.
        scope: says whose steps begin, where tests have examples.
    """

    def __init__(
        self,
        sink: Sink,
        classes: ClassesUnderTest,
        max_bytes: int = DEFAULT_MAX_BYTES,
        is_nested: bool = False,
    ) -> None:
        """Write to the sink; a text of more than `max_bytes` is recorded as its hash.

        `is_nested` says whether the calls that targets make of each other are recorded, too.
        """
        self.sink = sink
        self.n_calls = 0
        self.n_tests = 0
        self.failures: dict[str, int] = {}
        self.left_out = LeftOut()
        self.texts = Texts(max_bytes)
        self.is_nested = is_nested
        self.events = Events(self.begin, self.note)
        self.events.object_is_made = self.object_is_made
        self.watches = Watches(mechanism(self.events))
        self._classes = classes
        self.names: ProcessNames | None = None
        self.scope: Callable[[Attempt], Attempt] | None = None
        self._attempt: Attempt | None = None
        self._attempts: dict[str, int] = {}
        self._second = 0
        self._second_text = ""
        _recorders.add(self)

    def close(self) -> None:
        """Leave everything as it was, and close the file."""
        self.events.clear()
        self.watches.close()
        self.sink.close()

    # -- tests

    def start_test(self, test_id: str) -> Attempt:
        """Begin an attempt at a test: what is called from now on are its steps."""
        self.events.leave()
        attempt = self._attempts.get(test_id, -1) + 1
        self._attempts[test_id] = attempt
        self._attempt = Attempt(test_id, attempt, self._classes)
        self.sink.write(
            {"record": "start", "test_id": test_id, "attempt": attempt, "started_at": now()}
        )
        return self._attempt

    def end_steps(self) -> None:
        """End the attempt: iterators that are not exhausted by now are recorded as far as they came."""
        test, self._attempt = self._attempt, None
        if test is not None:
            self.abandon(test)

    def turn_to(self, test: Attempt) -> None:
        """Let the steps from now on be those of an example, or of its test again."""
        self._attempt = test

    def abandon(self, test: Attempt) -> None:
        """Record iterators that are not exhausted as far as they came."""
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
        """Write how an attempt ended."""
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

    def write_end(self, more: dict[str, Any]) -> None:
        """Write what is known only at the end."""
        self.sink.write(
            {
                "record": "end",
                "ended_at": now(),
                "n_calls": self.n_calls,
                "n_tests": self.n_tests,
                "left_out": self.left_out.records(),
                "failures": self.failures,
                **more,
            }
        )

    # -- calls

    def begin(self, frame: FrameType) -> bool:
        """Begin a step where a body begins; return whether what it calls is no step of its own."""
        watch = self.watches.get(id(frame.f_code))
        if watch is None:
            return False
        if watch.notice is not None:
            watch.notice(frame)
            return False
        test = self._attempt
        if test is None:
            return False
        if self.scope is not None:
            test = self.scope(test)
        kind = watch.kind
        if kind != steps.SIMPLE:
            gone = self.events.handler(id(frame))
            if isinstance(gone, LaterCall):  # a generator that died without a word
                gone.abandoned()
        variables = frame.f_locals
        try:
            bound = watch.find(frame, variables)
            if bound is None or (bound.is_special and _is_explanation(frame)):
                return False
            call = self._new_call(test, bound, kind, variables)
        finally:
            if _KEEPS_VARIABLES:
                variables.clear()
        if call is None:
            return False
        bound.n_calls += 1
        call.begin(frame)
        return not self.is_nested

    def begin_stand_in(
        self, operation: str, names: list[str], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> steps.Call | None:
        """Begin a step of what has no body in Python; it is told itself how it ends."""
        test = self._attempt
        if test is None or self.events.enter():
            return None
        try:
            if self.scope is not None:
                test = self.scope(test)
            step = next(test.steps)
            inputs = self._inputs(test, step, list(args), kwargs)
            words = names[: len(args)]
            words += [f"argument{index}" for index in range(len(words), len(args))]
            text = f"{operation}({', '.join([*words, *kwargs])})"
            call = steps.Call(self, test, step, quote(text), None, inputs)
            if self.is_nested:
                self.events.leave()
            call.start_clock()
            return call
        except Exception as error:
            self.note(error)
            self.events.leave()
            return None

    def _new_call(
        self, test: Attempt, bound: Bound, kind: int, variables: Mapping[str, Any]
    ) -> steps.Call | None:
        """Return the step of a call, or None if it is of a class that only shares the method with a target."""
        subject, passed, keywords = bound.parameters.read(variables)
        target = bound.target
        on = made = None
        operation_name = target.name
        if target.kind in _ON_OBJECTS:
            if not self._classes.have_made(subject):
                return None
            step = next(test.steps)
            if target.kind == CONSTRUCTOR:
                made = test.references.construct(subject, step)
            if made is None:
                on = test.references.refer(subject, step)
            else:
                operation_name, on = name(type(subject)), qualified_name(type(subject))
        elif target.kind == MAKER:
            # What has an __init__ in Python, too, is made by that.
            if not self._makes(subject, bound):
                return None
            step = next(test.steps)
            operation_name, on = name(subject), qualified_name(subject)
        else:
            step = next(test.steps)
            if target.kind == CLASS_METHOD:
                on = qualified_name(subject) if is_class(subject) else None
            elif target.owner is not None:
                on = qualified_name(target.owner)
        inputs = self._inputs(test, step, passed, keywords)
        operation = bound.operation(operation_name, len(passed), keywords)
        call = new_call(kind, self, test, step, operation, on, inputs)
        call.made = made
        call.is_making = target.kind == MAKER
        return call

    def _makes(self, cls: object, bound: Bound) -> bool:
        return (
            is_class(cls)
            and self._classes.include(cls)  # type: ignore[arg-type]
            and find_constructor(cls) is bound.function  # type: ignore[arg-type]
        )

    def _inputs(
        self, test: Attempt, step: int, passed: list[Any], keywords: Mapping[str, Any]
    ) -> str:
        plain = self.texts.plain
        texts = [plain(value) or self.argument(test, value, step) for value in passed]
        for keyword, value in keywords.items():
            text = plain(value) or self.argument(test, value, step)
            texts.append(f'{{"$keyword":[{values.encode_value(str(keyword))},{text}]}}')
        return f"[{','.join(texts)}]"

    def argument(self, test: Attempt, value: object, step: int) -> str:
        """Return the text of an argument; what runs later, and is a target's, begins its step before."""
        if steps.runs_later(value):
            self._begin_later(test, value)
        return self.texts.argument(test, value, step)

    def _begin_later(self, test: Attempt, later: Any) -> None:
        """Begin the step of a generator or coroutine of a target that another target will advance."""
        frame, code = steps.frame_and_code(later)
        watch = self.watches.get(id(code))
        if watch is None or frame is None or not steps.is_new(later):
            return
        if self._is_followed(frame, later):
            return
        variables = dict(frame.f_locals)
        bound = watch.find(frame, variables)
        call = bound and self._new_call(test, bound, watch.kind, variables)
        if bound is not None and isinstance(call, LaterCall):
            bound.n_calls += 1
            call.wait(frame, weakref.ref(later))

    def _is_followed(self, frame: FrameType, later: Any) -> bool:
        """Whether a new generator or coroutine is known; another one at its address has died without a word."""
        handler = self.events.handler(id(frame))
        if not isinstance(handler, LaterCall):
            return False
        if handler.waits_for(later):
            return True
        handler.abandoned()
        return False

    def object_is_made(self, frame: FrameType) -> None:
        """Forget what was at the address where a constructor makes an object, inside of another target."""
        watch = self.watches.get(id(frame.f_code))
        test = self._attempt
        if watch is None or test is None or not watch.constructs:
            return
        if self.scope is not None:
            test = self.scope(test)
        variables = frame.f_locals
        test.references.forget(variables[frame.f_code.co_varnames[0]])
        if _KEEPS_VARIABLES:
            variables.clear()

    def new_object(self, test: Attempt, value: object, step: int) -> str:
        """Return the text of what a constructor has returned."""
        made = self._classes.have_made(value) and test.references.construct(value, step)
        return made or self.response(test, value, step)

    def response(self, test: Attempt, value: object, step: int) -> str:
        """Return the text of what a target returned."""
        text = self.texts.plain(value)
        if text is not None:
            return text
        if self._classes.have_made(value):
            return test.references.make(value, step)
        return self.texts.text(value)

    def write(self, call: steps.Call, output: str) -> None:
        """Write a finished step."""
        test = call.test
        if test.take is not None and test.take(call, output):
            return
        if self.names is not None and (len(output) >= SHORTEST or len(call.inputs) > SHORTEST):
            self.names.look(call, output)
        target = "null" if call.target is None else quote(call.target)
        # An empty dict was returned, not nothing.
        more = ',"response_kind":"value"' if output == values.VOID else ""
        self.n_calls += 1
        second, rest = divmod(call.observed_at, 1_000_000_000)
        if second != self._second:
            self._second, self._second_text = second, second_text(second)
        self.sink.write_line(
            f'{test.line}{call.step},{test.attempt_text}"operation":{call.operation},'
            f'"target":{target},"inputs":{quote(call.inputs)},"output":{quote(output)},'
            f'"duration_ns":{call.duration_ns},"observed_at":"{self._second_text}.'
            f'{rest // 1000:06d}+00:00"{more}}}\n'
        )

    # -- what is not recorded

    def follow(self, call: steps.Call, later: Any) -> bool:
        """Let what a call has returned, and what runs later, complete its step; return whether it can."""
        frame, code = steps.frame_and_code(later)
        if (
            frame is None
            or not steps.is_new(later)
            or self._is_followed(frame, later)
            or not self.watches.can_follow(code)
        ):
            self.left_out.add(leftout.NOT_FOLLOWED, call.operation.strip('"'))
            return False
        rest = new_later_call(
            steps.kind_of(code),
            self,
            call.test,
            call.step,
            call.operation,
            call.target,
            call.inputs,
        )
        rest.observed_at = call.observed_at
        rest.duration_ns = call.duration_ns
        rest.wait(frame, weakref.ref(later))
        return True

    def note(self, error: BaseException) -> None:
        """Keep that something could not be recorded; never raises."""
        try:
            text = f"{type(error).__name__}: {error}"
        except Exception:
            text = "?"
        self.failures[text] = self.failures.get(text, 0) + 1

    def stop(self) -> None:
        """Record nothing more, in a forked child."""
        self._attempt = None
        self.events.clear()
        self.sink.abandon()


def _is_explanation(frame: FrameType) -> bool:
    """Whether pytest itself makes the call, to show an object."""
    caller = frame.f_back
    module = caller.f_globals.get("__name__") if caller is not None else None
    return isinstance(module, str) and module.startswith(_EXPLAINERS)


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

"""Started steps: they handle the events of their frames and write records."""

from __future__ import annotations

import _thread
import inspect
import sys
import time
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import TYPE_CHECKING, Any

from pytest_obslake import values
from pytest_obslake.isolation import private_modules
from pytest_obslake.observing import Handler
from pytest_obslake.references import mro, name

if TYPE_CHECKING:
    from pytest_obslake.attempts import Attempt
    from pytest_obslake.recorder import Recorder

ITEM = -1
"""Replaces the offset of an event: the value is an unwrapped item of an asynchronous generator."""

LATER = frozenset(map(id, (GeneratorType, CoroutineType, AsyncGeneratorType)))
"""The addresses of the types that run later."""

SIMPLE, GENERATOR, COROUTINE, ASYNCHRONOUS_GENERATOR = range(4)

_INTERRUPTIONS = ("KeyboardInterrupt", "GeneratorExit", "CancelledError")
_STOPS = {
    GENERATOR: ("generator", ("StopIteration",)),
    COROUTINE: ("coroutine", ("StopIteration",)),
    ASYNCHRONOUS_GENERATOR: ("async generator", ("StopIteration", "StopAsyncIteration")),
}
_clock = time.perf_counter_ns
_get_ident = _thread.get_ident
# The wall clock is read only once, because some suites replace it by one that ticks on each read.
EPOCH = time.time_ns() - time.perf_counter_ns()
"""Add this to a step's clock to get nanoseconds since 1970."""


def nanoseconds_now() -> int:
    """Return the time since 1970 in nanoseconds."""
    return EPOCH + _clock()


def kind_of(code: CodeType) -> int:
    """Return whether code runs at once, or belongs to a generator, a coroutine or an asynchronous generator."""
    flags = code.co_flags
    if flags & (inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE):
        return COROUTINE
    if flags & inspect.CO_GENERATOR:
        return GENERATOR
    return ASYNCHRONOUS_GENERATOR if flags & inspect.CO_ASYNC_GENERATOR else SIMPLE


def makes_what_runs_later(code: CodeType) -> bool:
    """Return whether code, or code nested in it, belongs to a generator or a coroutine."""
    return kind_of(code) != SIMPLE or any(
        makes_what_runs_later(inner) for inner in code.co_consts if type(inner) is CodeType
    )


def frame_and_code(later: Any) -> tuple[FrameType | None, CodeType]:
    """Return the frame and the code of a generator, a coroutine or an asynchronous generator."""
    if type(later) is GeneratorType:
        return later.gi_frame, later.gi_code
    if type(later) is CoroutineType:
        return later.cr_frame, later.cr_code
    return later.ag_frame, later.ag_code


def is_new(later: Any) -> bool:
    """Return whether a generator, a coroutine or an asynchronous generator has not been advanced."""
    if type(later) is GeneratorType:
        return inspect.getgeneratorstate(later) == inspect.GEN_CREATED
    if type(later) is CoroutineType:
        return inspect.getcoroutinestate(later) == inspect.CORO_CREATED
    frame = later.ag_frame
    return frame is not None and not later.ag_running and frame.f_lasti < _first_instruction(frame)


def _first_instruction(frame: FrameType) -> int:
    if sys.version_info < (3, 11):
        return 0
    # A frame that has not started is at one of its first instructions, which create the generator.
    import dis

    return next((i.offset for i in dis.get_instructions(frame.f_code) if i.opname == "RESUME"), 0)


class Call(Handler):
    """A call that runs at once, from the start of its body to its end.

    Attributes:
        operation: the JSON text of the operation.
        target: the JSON text of the object or class that it is called on.
        inputs: the JSON text of its arguments.
        is_done: whether its answer is written, or another step completes it.
        began: when it began; its duration counts from `clock`.
        made: the text of the answer, if it is known in advance.
    """

    made: str | None = None

    __slots__ = (
        "began",
        "clock",
        "duration_ns",
        "inputs",
        "is_done",
        "operation",
        "recorder",
        "step",
        "target",
        "test",
    )

    def __init__(
        self,
        recorder: Recorder,
        test: Attempt,
        step: int,
        operation: str,
        target: str,
        inputs: str,
    ) -> None:
        """Take the step's number in the test and its texts."""
        self.recorder = recorder
        self.test = test
        self.step = step
        self.operation = operation
        self.target = target
        self.inputs = inputs
        self.is_done = False

    def begin(self, frame: FrameType) -> None:
        """Follow a frame from now on."""
        self.key = id(frame)
        # The handler of a signal may raise after any call, so a followed step must be complete.
        self.began = self.clock = _clock()
        self.recorder.events.handlers[self.key] = self

    def start_clock(self) -> None:
        """Start the clock, without a frame."""
        self.key = 0
        self.began = self.clock = _clock()

    def other_answer(self, value: Any) -> str | None:
        """Return the text of an answer that is not plain; None if it runs later and completes the step then."""
        calls = self.recorder.calls
        if id(type(value)) not in LATER:
            return calls.other_response(self.test, value, self.step)
        return None if calls.follow(self, value) else self.recorder.texts.text(value)

    def returned(self, code: Any, offset: Any, value: Any) -> None:
        """Record the returned value; follow it if it runs later."""
        recorder = self.recorder
        events = recorder.events
        threads, thread = events.threads, _get_ident()
        # The handler of a signal may raise after any call. The function ends with its exception: see `unwound`.
        try:
            self.duration_ns = _clock() - self.clock
            if recorder.is_nested:
                events.enter()
            output = self.made or recorder.plain(value) or self.other_answer(value)
            if output is not None:
                recorder.write(self, output)
            self.is_done = True
        except Exception as failure:
            self.is_done = True
            recorder.note(failure)
        finally:
            threads.pop(thread, None)
        events.handlers.pop(self.key, None)

    def unwound(self, code: Any, offset: Any, error: BaseException) -> None:
        """Record an exception; interruptions from outside are not answers, except for timeouts."""
        events = self.recorder.events
        threads, thread = events.threads, _get_ident()
        try:
            events.enter()
            self._write_failure(error)
        except Exception as failure:
            self.recorder.note(failure)
        except BaseException as late:
            self._write_failure(late)
            raise
        finally:
            threads.pop(thread, None)
        events.forget(self.key)

    def _write_failure(self, error: BaseException) -> None:
        if not self.is_done:
            self.duration_ns = _clock() - self.clock
            output = failure_text(self.recorder, error)
            if output is not None:
                self.recorder.write(self, output)
            self.is_done = True


class Construction(Call):
    """The call of an ``__init__``, whose answer is known in advance."""

    __slots__ = ("made",)

    def __init__(
        self,
        recorder: Recorder,
        test: Attempt,
        step: int,
        operation: str,
        target: str,
        inputs: str,
        made: str,
    ) -> None:
        """Also take the reference to the object."""
        super().__init__(recorder, test, step, operation, target, inputs)
        self.made = made


class Making(Call):
    """The call of a ``__new__``."""

    __slots__ = ()

    def other_answer(self, value: Any) -> str | None:
        """Return the text of the new object."""
        return self.recorder.calls.new_object(self.test, value, self.step)


def failure_text(recorder: Recorder, error: BaseException, kind: int = SIMPLE) -> str | None:
    """Return the text of an exception, or None if it is not an answer."""
    if isinstance(error, Exception):
        if kind != SIMPLE and sys.version_info < (3, 12):
            what, stops = _STOPS[kind]
            if name(type(error)) in stops and isinstance(
                error, (StopIteration, StopAsyncIteration)
            ):
                return recorder.texts.exception(RuntimeError(f"{what} raised {name(type(error))}"))
        return recorder.texts.exception(error)
    names = [name(base) for base in mro(type(error))]
    if "OutcomeException" in names:
        # pytest.skip, pytest.fail; pytest-timeout uses the latter
        is_timeout = str(getattr(error, "msg", "")).startswith("Timeout ")
        return values.TIMEOUT if is_timeout else None
    if any(interruption in names for interruption in _INTERRUPTIONS):
        return None
    return recorder.texts.exception(error)


private_modules(globals())

"""Steps that have begun: what the recorder hears of their frames, and what it makes of it."""

from __future__ import annotations

import gc
import hashlib
import inspect
import json
import sys
import time
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import TYPE_CHECKING, Any, Callable

from pytest_obslake import values
from pytest_obslake.isolation import private_modules
from pytest_obslake.references import mro, name

if TYPE_CHECKING:
    from pytest_obslake.recorder import Attempt, Recorder

ITERATOR = "$iterator"
"""The tag of all that an iterator yielded."""

ITERATOR_PREFIX = "$iterator_prefix"
"""The tag of what an iterator yielded before nobody asked any more."""

ITEM = -1
"""Instead of an offset: what an asynchronous generator yields, which is not wrapped."""

SIMPLE, GENERATOR, COROUTINE, ASYNCHRONOUS_GENERATOR = range(4)

_INTERRUPTIONS = ("KeyboardInterrupt", "GeneratorExit", "CancelledError")
_LATER = frozenset(map(id, (GeneratorType, CoroutineType, AsyncGeneratorType)))
_STOPS = {
    GENERATOR: ("generator", ("StopIteration",)),
    COROUTINE: ("coroutine", ("StopIteration",)),
    ASYNCHRONOUS_GENERATOR: ("async generator", ("StopIteration", "StopAsyncIteration")),
}
_clock = time.perf_counter_ns
_wall_clock = time.time_ns


def kind_of(code: CodeType) -> int:
    """Return whether code runs at once, or is of a generator, a coroutine or an asynchronous generator."""
    flags = code.co_flags
    if flags & (inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE):
        return COROUTINE
    if flags & inspect.CO_GENERATOR:
        return GENERATOR
    return ASYNCHRONOUS_GENERATOR if flags & inspect.CO_ASYNC_GENERATOR else SIMPLE


def runs_later(value: object) -> bool:
    """Whether a value is a generator, a coroutine or an asynchronous generator."""
    return id(type(value)) in _LATER


def frame_and_code(later: Any) -> tuple[FrameType | None, CodeType]:
    """Return the frame and the code of a generator, a coroutine or an asynchronous generator."""
    if type(later) is GeneratorType:
        return later.gi_frame, later.gi_code
    if type(later) is CoroutineType:
        return later.cr_frame, later.cr_code
    return later.ag_frame, later.ag_code


def is_new(later: Any) -> bool:
    """Whether a generator, a coroutine or an asynchronous generator has not been advanced."""
    if type(later) is GeneratorType:
        return inspect.getgeneratorstate(later) == inspect.GEN_CREATED
    if type(later) is CoroutineType:
        return inspect.getcoroutinestate(later) == inspect.CORO_CREATED
    frame = later.ag_frame
    return frame is not None and not later.ag_running and frame.f_lasti < _first_instruction(frame)


def _first_instruction(frame: FrameType) -> int:
    if sys.version_info < (3, 11):
        return 0
    # A frame that has not started stands on what made the generator, its first instructions.
    import dis

    return next((i.offset for i in dis.get_instructions(frame.f_code) if i.opname == "RESUME"), 0)


class Call:
    """A call that runs at once, from the start of its body to its end."""

    __slots__ = (
        "clock",
        "duration_ns",
        "inputs",
        "is_making",
        "key",
        "made",
        "observed_at",
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
        target: str | None,
        inputs: str,
    ) -> None:
        """Take a number of the test."""
        self.recorder = recorder
        self.test = test
        self.step = step
        self.operation = operation
        self.target = target
        self.inputs = inputs
        self.made: str | None = None
        self.is_making = False
        self.key = 0
        self.duration_ns = 0
        self.observed_at = _wall_clock()
        self.clock = 0

    def begin(self, frame: FrameType) -> None:
        """Follow a frame from now on."""
        self.key = id(frame)
        self.recorder.events.follow(self)
        self.clock = _clock()

    def start_clock(self) -> None:
        """Count the time from now on."""
        self.clock = _clock()

    def returned(self, code: Any, offset: Any, value: Any) -> None:
        """Record what was returned; what runs later is followed."""
        self.duration_ns = _clock() - self.clock
        recorder = self.recorder
        events = recorder.events
        events.forget(self.key)
        if recorder.is_nested:
            events.enter()
        try:
            if self.made is not None:
                recorder.write(self, self.made)
            elif self.is_making:
                recorder.write(self, recorder.new_object(self.test, value, self.step))
            elif id(type(value)) not in _LATER:
                recorder.write(self, recorder.response(self.test, value, self.step))
            elif not follow(self, value):
                recorder.write(self, recorder.text(value))
        except Exception as failure:
            recorder.note(failure)
        finally:
            events.leave()

    def unwound(self, code: Any, offset: Any, error: BaseException) -> None:
        """Record an exception; one that interrupts from outside is no answer, and only a timeout is recorded."""
        self.duration_ns = _clock() - self.clock
        events = self.recorder.events
        events.forget(self.key)
        events.enter()
        try:
            output = failure_text(self.recorder, error)
            if output is not None:
                self.recorder.write(self, output)
        except Exception as failure:
            self.recorder.note(failure)
        finally:
            events.leave()


class LaterCall(Call):
    """A call whose body runs in steps: it waits, and goes on."""

    __slots__ = ("_code", "_generator", "_is_closing", "_is_inside", "_is_running", "kind")

    def __init__(self, *arguments: Any) -> None:
        """Take a number of the test."""
        super().__init__(*arguments)
        self.kind = COROUTINE
        self._code: CodeType | None = None
        self._generator: Callable[[], Any] | None = None
        self._is_running = False
        self._is_inside = False
        self._is_closing = False

    def begin(self, frame: FrameType) -> None:
        """Follow a frame that has just started."""
        self.key = id(frame)
        self._code = frame.f_code
        self._is_running = True
        self.test.open[self.step] = self
        self.recorder.events.follow_steps(self, is_waiting=False)
        self.clock = _clock()

    def wait(self, frame: FrameType, generator: Callable[[], Any]) -> None:
        """Follow a frame that is yet to start, as long as its generator is there."""
        self.key = id(frame)
        self._code = frame.f_code
        self._generator = generator
        self._is_inside = True  # unless it is heard to start where that matters
        self.test.open[self.step] = self
        self.recorder.events.follow_steps(self, is_waiting=True)
        self.clock = _clock()

    def started(self) -> bool:
        """Hear that it runs; return whether starts inside of it do not matter."""
        if not self._is_there():
            return False
        self._goes_on()
        self._is_inside = self.recorder.is_nested
        return not self.recorder.is_nested

    def resumed(self, code: Any, offset: Any) -> None:
        """Count the time from now on; what its consumer takes does not count."""
        if self._is_running:
            return
        if code is not None and code is not self._code:
            self._is_gone()
            return
        self._is_closing = False
        self._enter()
        self._goes_on()

    def thrown(self, code: Any, offset: Any, error: BaseException) -> None:
        """Hear that it goes on with an exception."""
        self.resumed(code, offset)
        self._is_closing = isinstance(error, GeneratorExit)

    def yielded(self, code: Any, offset: Any, value: Any) -> None:
        """Hear that it waits."""
        if self._is_there():
            self._stop_clock()
            self._is_running = False
            self._leave()

    def returned(self, code: Any, offset: Any, value: Any) -> None:
        """Record what it answered."""
        if self._is_there():
            self._stop_clock()
            self._finish(self._answer, value)

    def unwound(self, code: Any, offset: Any, error: BaseException) -> None:
        """Record the exception."""
        if self._is_there():
            self._stop_clock()
            self._finish(self._error, error)

    def abandoned(self) -> None:
        """Forget it: nobody has waited for its answer."""
        self._close()

    def _answer(self, value: Any) -> str | None:
        return self.recorder.response(self.test, value, self.step)

    def _error(self, error: BaseException) -> str | None:
        return failure_text(self.recorder, error, self.kind)

    def _is_there(self) -> bool:
        """Whether it is this frame that something happens in, and not another one at the same address."""
        if self._is_running:
            return True
        if self._generator is not None and self._generator() is not None:
            self._goes_on()
            return True
        self._is_gone()
        return False

    def _is_gone(self) -> None:
        """Hear that another frame is where this one was: it has died without a word."""
        was_inside = self.recorder.events.enter()
        try:
            self.abandoned()
        finally:
            if not was_inside:
                self.recorder.events.leave()

    def _goes_on(self) -> None:
        if self._generator is not None:
            self._generator = None
            self.recorder.events.started(self.key)
        self._is_running = True
        self.clock = _clock()

    def _enter(self) -> None:
        if not self.recorder.is_nested:
            self._is_inside = self.recorder.events.enter()

    def _leave(self) -> None:
        if not self._is_inside:
            self.recorder.events.leave()

    def _stop_clock(self) -> None:
        self.duration_ns += _clock() - self.clock

    def _close(self) -> None:
        self.recorder.events.forget_steps(self.key)
        self.test.open.pop(self.step, None)

    def _finish(self, answer: Callable[[Any], str | None], value: Any) -> None:
        self._close()
        was_inside = self.recorder.events.enter()
        try:
            output = answer(value)
            if output is not None:
                self.recorder.write(self, output)
        except Exception as failure:
            self.recorder.note(failure)
        finally:
            if not (was_inside and self._is_inside):
                self.recorder.events.leave()


class Awaited(LaterCall):
    """A coroutine: its answer is what it returns, its duration that until then."""

    __slots__ = ()

    def _goes_on(self) -> None:
        started = self.clock
        super()._goes_on()
        self.clock = started

    def _stop_clock(self) -> None:
        self.duration_ns = _clock() - self.clock


class Iteration(LaterCall):
    """A generator: its answer is what it yields."""

    __slots__ = ("_hashes", "_missing", "_size", "_texts")

    def __init__(self, *arguments: Any) -> None:
        """Start with nothing yielded."""
        super().__init__(*arguments)
        self.kind = GENERATOR
        self._hashes: dict[str, Any] = {}
        self._texts: list[str] | None = []
        self._size = 0
        self._missing: str | None = None

    def yielded(self, code: Any, offset: Any, value: Any) -> None:
        """Keep the text of a value as it is now; of a long sequence only the hash."""
        if not self._is_there():
            return
        self._stop_clock()
        self._is_running = False
        was_inside = self.recorder.events.enter()
        try:
            if self.kind == GENERATOR or offset == ITEM:
                self._add(value)
            elif name(type(value)) == "async_generator_wrapped_value":
                self._add(gc.get_referents(value)[0])
        except Exception as failure:
            self.recorder.note(failure)
        finally:
            if not (was_inside and self._is_inside):
                self.recorder.events.leave()

    def abandoned(self) -> None:
        """Record what it yielded before nobody asked any more."""
        self._close()
        self.recorder.write(self, self._output(ITERATOR_PREFIX))

    def _add(self, value: object) -> None:
        if self._missing is not None:
            return
        text = self.recorder.argument(self.test, value, self.step)
        if text.startswith(f'"{values.NOT_AVAILABLE}') and type(value) is not str:
            self._missing = json.loads(text)
            return
        if self._texts is None:
            self._hash("," + text)
            return
        self._texts.append(text)
        self._size += 1 + (len(text) if text.isascii() else len(_encoded(text)))
        if self._size > self.recorder.max_bytes + 1:
            self._hashes = {tag: hashlib.sha256(_opening(tag)) for tag in _TAGS}
            self._hash(",".join(self._texts))
            self._texts = None

    def _hash(self, text: str) -> None:
        for hash_ in self._hashes.values():
            hash_.update(_encoded(text))

    def _answer(self, value: Any) -> str | None:
        return self._output(ITERATOR_PREFIX if self._is_closing else ITERATOR)

    def _error(self, error: BaseException) -> str | None:
        if isinstance(error, GeneratorExit):
            return self._output(ITERATOR_PREFIX)
        return super()._error(error)

    def _output(self, tag: str) -> str:
        if self._missing is not None:
            return self._missing
        if self._texts is not None:
            return f'{{"{tag}":[{",".join(self._texts)}]}}'
        self._hashes[tag].update(b"]}")
        return values.TRUNCATED_PREFIX + str(self._hashes[tag].hexdigest())


_TAGS = (ITERATOR, ITERATOR_PREFIX)


def new_call(kind: int, *arguments: Any) -> Call:
    """Return the step of a call of some kind."""
    return Call(*arguments) if kind == SIMPLE else new_later_call(kind, *arguments)


def new_later_call(kind: int, *arguments: Any) -> LaterCall:
    """Return the step of a call whose body runs in steps."""
    if kind == COROUTINE:
        return Awaited(*arguments)
    iteration = Iteration(*arguments)
    iteration.kind = kind
    return iteration


def follow(call: Call, later: Any) -> bool:
    """Let what a call has returned, and what runs later, complete its step; return whether that is possible."""
    recorder = call.recorder
    frame, code = frame_and_code(later)
    if frame is None or not is_new(later) or recorder.events.handler(id(frame)) is not None:
        recorder.cannot_follow(call)
        return False
    if not recorder.can_follow(code):
        recorder.cannot_follow(call)
        return False
    rest = new_later_call(
        kind_of(code), recorder, call.test, call.step, call.operation, call.target, call.inputs
    )
    rest.observed_at = call.observed_at
    rest.duration_ns = call.duration_ns
    rest.wait(frame, recorder.weak(later))
    return True


def failure_text(recorder: Recorder, error: BaseException, kind: int = SIMPLE) -> str | None:
    """Return the text of an exception, or None if it is no answer."""
    if isinstance(error, Exception):
        if kind != SIMPLE and sys.version_info < (3, 12):
            what, stops = _STOPS[kind]
            if name(type(error)) in stops and isinstance(
                error, (StopIteration, StopAsyncIteration)
            ):
                return recorder.exception(RuntimeError(f"{what} raised {name(type(error))}"))
        return recorder.exception(error)
    names = [name(base) for base in mro(type(error))]
    if "OutcomeException" in names:
        # pytest.skip, pytest.fail; pytest-timeout fails the test like that
        is_timeout = str(getattr(error, "msg", "")).startswith("Timeout ")
        return values.TIMEOUT if is_timeout else None
    if any(interruption in names for interruption in _INTERRUPTIONS):
        return None
    return recorder.exception(error)


def _opening(tag: str) -> bytes:
    return f'{{"{tag}":['.encode()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


private_modules(globals())

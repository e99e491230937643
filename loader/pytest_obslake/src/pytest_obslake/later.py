"""Steps of generators and coroutines, whose bodies wait and resume."""

from __future__ import annotations

import _thread
import time
from types import FrameType
from typing import TYPE_CHECKING, Any, Callable

from pytest_obslake.isolation import private_modules
from pytest_obslake.steps import COROUTINE, Call, failure_text

if TYPE_CHECKING:
    from pytest_obslake.attempts import Attempt
    from pytest_obslake.recorder import Recorder

_clock = time.perf_counter_ns
_get_ident = _thread.get_ident


class LaterCall(Call):
    """A call whose body waits and resumes."""

    __slots__ = ("_code", "_generator", "_is_closing", "_is_inside", "_is_running", "kind")

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
        super().__init__(recorder, test, step, operation, target, inputs)
        self.duration_ns = 0
        self.kind = COROUTINE
        self._is_closing = False

    def begin(self, frame: FrameType) -> None:
        """Follow a frame that has just started."""
        self.key = id(frame)
        self._code = frame.f_code
        self._generator: Callable[[], Any] | None = None
        self._is_running = True
        self._is_inside = False
        self.began = self.clock = _clock()
        self.test.open[self.step] = self
        self.recorder.events.follow_steps(self, is_waiting=False)

    def wait(self, frame: FrameType, generator: Callable[[], Any]) -> None:
        """Follow a frame that has not started, as long as its generator exists."""
        self.key = id(frame)
        self._code = frame.f_code
        self._generator = generator
        self._is_running = False
        self._is_inside = True  # until it starts outside of a step
        self.began = self.clock = _clock()
        self.test.open[self.step] = self
        self.recorder.events.follow_steps(self, is_waiting=True)

    def waits_for(self, later: Any) -> bool:
        """Return whether this is the step of a generator or coroutine that has not started."""
        return self._generator is not None and self._generator() is later

    def started(self) -> bool:
        """Handle its start; return whether starts inside of it are ignored."""
        if not (self._is_running or self._is_current()):
            return False
        self._mark_running()
        self._is_inside = False
        return not self.recorder.is_nested

    def resumed(self, code: Any, offset: Any) -> None:
        """Start the clock again; the time of its consumer does not count."""
        if self._is_running:
            return
        if code is not None and code is not self._code:
            self._end_dead()
            return
        self._is_closing = False
        recorder = self.recorder
        if not recorder.is_nested:
            # The same as `events.enter`, but saves a call per item.
            events = recorder.events
            thread = _get_ident()
            self._is_inside = thread in events.threads
            events.threads[thread] = events.inside
        if self._generator is None:
            # Before the next call, after which the handler of a signal may raise.
            self._is_running = True
            self.clock = _clock()
        else:
            self._mark_running()

    def thrown(self, code: Any, offset: Any, error: BaseException) -> None:
        """Handle that it resumes with an exception."""
        self.resumed(code, offset)
        self._is_closing = isinstance(error, GeneratorExit)

    def yielded(self, code: Any, offset: Any, value: Any) -> None:
        """Handle that it waits."""
        if self._is_running or self._is_current():
            self._stop_clock()
            self._leave()
            self._is_running = False

    def returned(self, code: Any, offset: Any, value: Any) -> None:
        """Record the answer."""
        if self._is_running or self._is_current():
            self._finish(self._answer, value)

    def unwound(self, code: Any, offset: Any, error: BaseException) -> None:
        """Record the exception."""
        if self._is_running or self._is_current():
            self._finish(self._error, error)

    def abandoned(self) -> None:
        """Forget the step: its answer was not awaited."""
        self._close()

    def _answer(self, value: Any) -> str | None:
        return self.recorder.calls.response(self.test, value, self.step)

    def _error(self, error: BaseException) -> str | None:
        return failure_text(self.recorder, error, self.kind)

    def _is_current(self) -> bool:
        """Return whether an event belongs to this frame, and not to another one at the same address."""
        if self._generator is not None and self._generator() is not None:
            self._mark_running()
            return True
        self._end_dead()
        return False

    def _end_dead(self) -> None:
        """Handle that the frame has died without an event: another one has its address."""
        was_inside = self.recorder.events.enter()
        try:
            self.abandoned()
        finally:
            if not was_inside:
                self.recorder.events.leave()

    def _mark_running(self) -> None:
        if self._generator is not None:
            self._generator = None
            self.recorder.events.started(self.key)
        self._is_running = True
        self.clock = _clock()

    def _leave(self) -> None:
        if not self._is_inside:
            self.recorder.events.leave()

    def _stop_clock(self) -> None:
        self.duration_ns += _clock() - self.clock

    def _close(self) -> None:
        self.recorder.events.forget_steps(self.key)
        # If it has returned a generator, that completes the step.
        if self.test.open.get(self.step) is self:
            self.test.open.pop(self.step, None)

    def _finish(self, answer: Callable[[Any], str | None], value: Any) -> None:
        events = self.recorder.events
        threads, thread = events.threads, _get_ident()
        was_inside = thread in threads
        # As in `Call.returned`: the handler of a signal may raise.
        try:
            self._stop_clock()
            events.enter()
            output = None if self.is_done else answer(value)
            if output is not None:
                self.recorder.write(self, output)
            self.is_done = True
        except Exception as failure:
            self.is_done = True
            self.recorder.note(failure)
        finally:
            if not (was_inside and self._is_inside):
                threads.pop(thread, None)
        self._close()


class Awaited(LaterCall):
    """A coroutine. Its answer is the returned value, and its duration the time until then."""

    __slots__ = ()

    def resumed(self, code: Any, offset: Any) -> None:
        """Handle that it resumes; the time that it waits counts."""
        started = self.clock
        super().resumed(code, offset)
        self.clock = started

    def _mark_running(self) -> None:
        started = self.clock
        super()._mark_running()
        self.clock = started

    def _stop_clock(self) -> None:
        self.duration_ns = _clock() - self.clock


private_modules(globals())

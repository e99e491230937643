"""Steps of generators and coroutines, whose bodies wait and go on."""

from __future__ import annotations

import gc
import hashlib
import json
import time
from types import CodeType, FrameType
from typing import Any, Callable

from pytest_obslake import values
from pytest_obslake.isolation import private_modules
from pytest_obslake.references import name
from pytest_obslake.steps import COROUTINE, GENERATOR, ITEM, SIMPLE, Call, failure_text

ITERATOR = "$iterator"
"""The tag of all that an iterator yielded."""

ITERATOR_PREFIX = "$iterator_prefix"
"""The tag of what an iterator yielded before nobody asked any more."""

_clock = time.perf_counter_ns


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

    def waits_for(self, later: Any) -> bool:
        """Whether it is this generator or coroutine that is yet to start."""
        return self._generator is not None and self._generator() is later

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
        if not self.recorder.is_nested:
            self._is_inside = self.recorder.events.enter()
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
        if not (self._is_running or self._is_there()):
            return
        self.duration_ns += _clock() - self.clock
        self._is_running = False
        events = self.recorder.events
        if self.recorder.is_nested:
            events.enter()
        try:
            if self.kind == GENERATOR or offset == ITEM:
                self._add(value)
            elif name(type(value)) == "async_generator_wrapped_value":
                self._add(gc.get_referents(value)[0])
        except Exception as failure:
            self.recorder.note(failure)
        finally:
            if not self._is_inside:
                events.leave()

    def abandoned(self) -> None:
        """Record what it yielded before nobody asked any more."""
        self._close()
        self.recorder.write(self, self._output(ITERATOR_PREFIX))

    def _add(self, value: object) -> None:
        if self._missing is not None:
            return
        text = self.recorder.texts.plain(value)
        if text is None:
            text = self.recorder.argument(self.test, value, self.step)
            if text.startswith(f'"{values.NOT_AVAILABLE}') and type(value) is not str:
                self._missing = json.loads(text)
                return
        if self._texts is None:
            self._hash("," + text)
            return
        self._texts.append(text)
        self._size += 1 + (len(text) if text.isascii() else len(_encoded(text)))
        if self._size > self.recorder.texts.max_bytes + 1:
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


def _opening(tag: str) -> bytes:
    return f'{{"{tag}":['.encode()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


private_modules(globals())

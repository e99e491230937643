"""Steps of generators. Their answer is the sequence of yielded values."""

from __future__ import annotations

import _thread
import gc
import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from pytest_obslake import values
from pytest_obslake.isolation import private_modules
from pytest_obslake.later import Awaited, LaterCall
from pytest_obslake.references import name
from pytest_obslake.steps import ASYNCHRONOUS_GENERATOR, COROUTINE, GENERATOR, ITEM

if TYPE_CHECKING:
    from pytest_obslake.attempts import Attempt
    from pytest_obslake.recorder import Recorder

ITERATOR = "$iterator"
"""The tag of all values that an iterator yielded."""

ITERATOR_PREFIX = "$iterator_prefix"
"""The tag of the values that an iterator yielded before its consumer stopped."""

_clock = time.perf_counter_ns
_get_ident = _thread.get_ident


class Iteration(LaterCall):
    """A generator. Its answer is the sequence of yielded values."""

    __slots__ = ("_hashes", "_missing", "_most", "_size", "_texts")

    def __init__(
        self,
        recorder: Recorder,
        test: Attempt,
        step: int,
        operation: str,
        target: str,
        inputs: str,
    ) -> None:
        """Start with nothing yielded."""
        super().__init__(recorder, test, step, operation, target, inputs)
        self.kind = GENERATOR
        self._texts: list[str] | None = []
        self._size = 0
        self._most = recorder.texts.max_bytes + 1
        self._missing: str | None = None

    def yielded(self, code: Any, offset: Any, value: Any) -> None:
        """Store the text of a value in its current state; for a long sequence only the hash."""
        if not (self._is_running or self._is_current()):
            return
        recorder = self.recorder
        threads, thread = recorder.events.threads, _get_ident()
        try:
            self.duration_ns += _clock() - self.clock
            if recorder.is_nested:
                recorder.events.enter()
            text = recorder.calls.plain(value)
            if text is None or self._texts is None:
                self._add(value)
            else:
                # Plain texts are ASCII.
                self._texts.append(text)
                self._size += 1 + len(text)
                if self._size > self._most:
                    self._keep_hash(self._texts)
        except Exception as failure:
            recorder.note(failure)
        finally:
            if not self._is_inside:
                threads.pop(thread, None)
        # Not before: if the handler of a signal raises, the generator ends with its exception.
        self._is_running = False

    def abandoned(self) -> None:
        """Record the values that it yielded before its consumer stopped."""
        self._close()
        if not self.is_done:
            self.recorder.write(self, self._output(ITERATOR_PREFIX))

    def _add(self, value: object) -> None:
        """Store the text of any value."""
        if self._missing is not None:
            return
        calls = self.recorder.calls
        text = calls.plain(value)
        if text is None:
            text = calls.argument(self.test, value, self.step)
            if text.startswith(_NO_TEXT) and type(value) is not str:
                self._missing = json.loads(text)
                self._texts = None
                return
        if self._texts is None:
            self._hash("," + text)
            return
        self._texts.append(text)
        self._size += 1 + (len(text) if text.isascii() else len(_encoded(text)))
        if self._size > self._most:
            self._keep_hash(self._texts)

    def _keep_hash(self, texts: list[str]) -> None:
        self._hashes = {tag: hashlib.sha256(_opening(tag)) for tag in _TAGS}
        self._hash(",".join(texts))
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
_NO_TEXT = f'"{values.NOT_AVAILABLE}'


class AsynchronousIteration(Iteration):
    """An asynchronous generator. Its answer is the sequence of yielded values."""

    __slots__ = ()

    def __init__(self, *arguments: Any) -> None:
        """Start with nothing yielded."""
        super().__init__(*arguments)
        self.kind = ASYNCHRONOUS_GENERATOR

    def yielded(self, code: Any, offset: Any, value: Any) -> None:
        """Handle a yielded value, or a wait, which is not recorded."""
        if offset == ITEM:
            super().yielded(code, offset, value)
        elif name(type(value)) == "async_generator_wrapped_value":
            super().yielded(code, offset, gc.get_referents(value)[0])
        else:
            LaterCall.yielded(self, code, offset, value)


LATER_CALLS: dict[int, type[LaterCall]] = {
    GENERATOR: Iteration,
    COROUTINE: Awaited,
    ASYNCHRONOUS_GENERATOR: AsynchronousIteration,
}
"""Classes of calls whose bodies wait and resume, by their kind."""


def _opening(tag: str) -> bytes:
    return f'{{"{tag}":['.encode()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


private_modules(globals())

"""Turn calls of targets into steps of the test that runs."""

from __future__ import annotations

import contextvars
import datetime
import hashlib
import inspect
import json
import os
import sys
import threading
import time
import types
import weakref
from types import FunctionType
from typing import Any, Callable

from pytest_obslake import iterators, values
from pytest_obslake.isolation import private_modules
from pytest_obslake.iterators import DEPTH
from pytest_obslake.references import (
    ClassesUnderTest,
    References,
    is_class,
    mro,
    name,
    qualified_name,
)
from pytest_obslake.signatures import Signature
from pytest_obslake.sink import Sink
from pytest_obslake.targets import (
    CLASS_METHOD,
    CONSTRUCTOR,
    METHOD,
    PROPERTY,
    Target,
)

BUSY = 1 << 30
"""The depth while the recorder itself works: whatever it calls is not recorded."""

ITERATOR = "$iterator"
"""The tag of all that an iterator yielded."""

ITERATOR_PREFIX = "$iterator_prefix"
"""The tag of what an iterator yielded before nobody asked any more."""

DEFAULT_MAX_BYTES = 64 * 1024

_INTERRUPTIONS = ("KeyboardInterrupt", "GeneratorExit", "CancelledError")
_EXPLAINERS = ("_pytest.assertion", "_pytest._io", "_pytest._code", "reprlib")


class Attempt:
    """One attempt at one test."""

    def __init__(self, test_id: str, attempt: int, classes: ClassesUnderTest) -> None:
        """Start with no steps."""
        self.test_id = test_id
        self.attempt = attempt
        self.n_steps = 0
        self.references = References(classes)
        self.open: dict[int, Iteration] = {}


class Recorder:
    """Records what targets answer while a test runs."""

    def __init__(
        self,
        sink: Sink,
        classes: ClassesUnderTest,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        """Write to the sink; a text of more than `max_bytes` is recorded as its hash."""
        self.sink = sink
        self.n_calls = 0
        self.n_tests = 0
        self.failures: dict[str, int] = {}
        self.references_to_new: int | None = None
        self._classes = classes
        self.max_bytes = max_bytes
        self._attempt: Attempt | None = None
        self._attempts: dict[str, int] = {}
        self._lock = threading.RLock()
        _recorders.add(self)

    def calibrate(self, call_once: Callable[[Any], None]) -> None:
        """Learn how many references there are to a generator that is returned and kept nowhere."""
        probe = Recorder(Sink(None), self._classes)
        probe.start_test("")
        call_once(probe.begin)
        self.references_to_new = probe.references_to_new

    # -- tests

    def start_test(self, test_id: str) -> Attempt:
        """Begin an attempt at a test: what is called from now on are its steps."""
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
        if test is None:
            return
        for iteration in list(test.open.values()):
            iteration.abandoned()

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
                "n_steps": test.n_steps,
            }
        )

    # -- calls

    def begin(
        self, target: Target, original: Callable[..., Any]
    ) -> Callable[[tuple[Any, ...], dict[str, Any]], Call | None]:
        """Return what the trampoline of a target calls first: it makes the step, or None for none."""
        signature = Signature(target, original)
        depth_of, enter, leave = DEPTH.get, DEPTH.set, DEPTH.reset
        is_special = target.key.startswith("__") and target.kind != CONSTRUCTOR
        returns_generator = bool(
            isinstance(original, FunctionType)
            and original.__code__.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR)
        )

        def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
            test = self._attempt
            if test is None:
                return None
            depth = depth_of()
            if depth >= BUSY:
                return None
            token = enter(BUSY)
            try:
                if not (is_special and _is_explanation()):
                    call = self._begin(test, signature, args, kwargs, returns_generator)
                    if call is not None:
                        call.token = token
                        enter(depth + 1)
                        call.clock = time.perf_counter_ns()
                        return call
            except Exception as error:
                self._fail(error)
            leave(token)
            return None

        return begin

    def _begin(
        self,
        test: Attempt,
        signature: Signature,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        returns_generator: bool,
    ) -> Call | None:
        target = signature.target
        kind = target.kind
        made: Any = None
        operation_name = target.name
        on: str | None = None
        if kind in (METHOD, CONSTRUCTOR, PROPERTY):
            if not args:
                return None
            subject, args = args[0], args[1:]
            on = test.references.refer(subject)
            if on is None:
                return None  # of a class that only shares the method with a target
            if kind == CONSTRUCTOR and not test.references.knows(subject):
                made = subject
                operation_name = name(type(subject))
                on = qualified_name(type(subject))
        elif kind == CLASS_METHOD:
            subject, args = args[0], args[1:]
            on = qualified_name(subject) if is_class(subject) else None
        elif target.owner is not None:
            on = qualified_name(target.owner)
        inputs = self._inputs(test, args, kwargs)
        call = Call(self, test, signature.operation(operation_name, len(args), kwargs), on, inputs)
        call.made = made
        call.is_constructor = made is not None
        call.returns_generator = returns_generator
        if made is not None:
            test.references.make(made, call.step)
        return call

    def _inputs(self, test: Attempt, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        texts = [self.argument(test, value) for value in args]
        for keyword, value in kwargs.items():
            texts.append(
                f'{{"$keyword":[{values.encode_value(str(keyword))},{self.argument(test, value)}]}}'
            )
        return "[" + ",".join(texts) + "]"

    def argument(self, test: Attempt, value: object) -> str:
        """Return the text of an argument: JSON; a token of the protocol is a JSON string."""
        reference = test.references.refer(value)
        if reference is not None:
            return values.encode_value(reference)
        text = self.text(value)
        return values.encode_value(text) if text.startswith("$") else text

    def response(self, test: Attempt, value: object, step: int) -> str:
        """Return the text of what a target returned."""
        if self._classes.have_made(value):
            return test.references.make(value, step)
        return self.text(value)

    def text(self, value: object) -> str:
        """Return the text of a value, shortened; ``$N/A@<type>`` for what has none."""
        try:
            return self.shorten(values.encode_value(value))
        except values.NotSerializable as finding:
            return finding.response
        except Exception:  # such as a metaclass that cannot be hashed
            return f"{values.NOT_AVAILABLE}@{qualified_name(type(value))}"

    def exception(self, error: BaseException) -> str:
        """Return the text of an exception; its message is shortened, and left out if it has none."""
        try:
            text = values.exception_response(error)
        except KeyboardInterrupt:
            raise
        except BaseException:
            return f"{values.EXCEPTION_PREFIX}{_class_name(type(error))}@"
        prefix, class_name, message = text.split("@", 2)
        return f"{prefix}@{class_name}@{self.shorten(message)}"

    def shorten(self, text: str) -> str:
        """Return the text, or its hash if it is too long."""
        if len(text) * 4 <= self.max_bytes or self.fits(text):
            return text
        return values.truncate_response(text, 0)

    def fits(self, text: str) -> bool:
        """Whether a text is within the limit."""
        return len(text.encode("utf-8", "surrogatepass")) <= self.max_bytes

    def next_step(self, test: Attempt) -> int:
        """Return the number of the next step."""
        with self._lock:
            step = test.n_steps
            test.n_steps += 1
            return step

    def write(self, call: Call, output: str) -> None:
        """Write a finished step."""
        record: dict[str, Any] = {
            "record": "call",
            "test_id": call.test.test_id,
            "step_id": call.step,
            "attempt": call.test.attempt,
            "operation": call.operation,
            "target": call.target,
            "inputs": call.inputs,
            "output": output,
            "duration_ns": call.duration_ns,
            "observed_at": call.observed_at,
        }
        if output == values.VOID:
            record["response_kind"] = "value"  # an empty dict was returned, not nothing
        self.n_calls += 1
        self.sink.write(record)

    def make_generator(self, call: Call, inner: Any) -> Any:
        """Return a generator that does what the inner one does, and records it."""
        iteration = Iteration(self, call)
        if type(inner) is types.GeneratorType:
            outer: Any = iterators.iterate(inner, iteration)
        else:
            outer = iterators.iterate_asynchronously(inner, iteration)
        outer.__name__, outer.__qualname__ = inner.__name__, inner.__qualname__
        call.test.open[call.step] = iteration
        return outer

    def _fail(self, error: BaseException) -> None:
        text = f"{type(error).__name__}: {error}"
        self.failures[text] = self.failures.get(text, 0) + 1

    def note(self, error: BaseException) -> None:
        """Keep that something could not be recorded; never raises."""
        try:
            self._fail(error)
        except Exception:
            self.failures["?"] = self.failures.get("?", 0) + 1

    def stop(self) -> None:
        """Record nothing more, in a forked child."""
        self._attempt = None
        self._lock = threading.RLock()
        self.sink.abandon()


class Call:
    """A step that has begun."""

    __slots__ = (
        "clock",
        "duration_ns",
        "inputs",
        "is_constructor",
        "made",
        "observed_at",
        "operation",
        "recorder",
        "returns_generator",
        "step",
        "target",
        "test",
        "token",
    )

    def __init__(
        self, recorder: Recorder, test: Attempt, operation: str, target: str | None, inputs: str
    ) -> None:
        """Take the next number of the test."""
        self.recorder = recorder
        self.test = test
        self.operation = operation
        self.target = target
        self.inputs = inputs
        self.step = recorder.next_step(test)
        self.observed_at = now()
        self.duration_ns = 0
        self.made: Any = None
        self.is_constructor = False
        self.returns_generator = False
        self.token: contextvars.Token[int] | None = None
        self.clock = 0

    def pause(self) -> None:
        """Leave the target, which runs step by step from here on."""
        token, self.token = self.token, None
        if token is not None:
            DEPTH.reset(token)

    def raised(self, error: BaseException) -> None:
        """Record an exception; one that interrupts from outside is no answer, and only a timeout is recorded."""
        self._stop_clock()
        made, self.made = self.made, None
        busy = DEPTH.set(BUSY)
        try:
            output = self._failure(error)
            if output is not None:
                self.recorder.write(self, output)
        except Exception as failure:
            self.recorder.note(failure)
        finally:
            DEPTH.reset(busy)
            self.pause()
        del made

    def _failure(self, error: BaseException) -> str | None:
        if isinstance(error, Exception):
            return self.recorder.exception(error)
        names = [name(base) for base in mro(type(error))]
        if (
            "OutcomeException" in names
        ):  # pytest.skip, pytest.fail; pytest-timeout fails the test like that
            is_timeout = str(getattr(error, "msg", "")).startswith("Timeout ")
            return values.TIMEOUT if is_timeout else None
        if any(interruption in names for interruption in _INTERRUPTIONS):
            return None
        return self.recorder.exception(error)

    def returned(self, result: Any) -> Any:
        """Record what was returned, and return it; a new generator comes back wrapped."""
        self._stop_clock()
        made, self.made = self.made, None
        busy = DEPTH.set(BUSY)
        try:
            if self.is_constructor:
                output = self.recorder.response(self.test, made, self.step)
            elif self._is_new_generator(result):
                return self.recorder.make_generator(self, result)
            else:
                output = self.recorder.response(self.test, result, self.step)
            self.recorder.write(self, output)
        except Exception as failure:
            self.recorder.note(failure)
        finally:
            DEPTH.reset(busy)
            self.pause()
        return result

    def _is_new_generator(self, result: Any) -> bool:
        if id(type(result)) not in _GENERATORS:
            return False
        if type(result) is types.GeneratorType and _is_coroutine(result):
            return False
        # A generator that somebody else refers to must stay the object that it is.
        references = sys.getrefcount(result)
        if self.recorder.references_to_new is None:
            self.recorder.references_to_new = references
        return self.returns_generator or references <= self.recorder.references_to_new

    def _stop_clock(self) -> None:
        self.duration_ns = time.perf_counter_ns() - self.clock


class Iteration:
    """What a generator yields, recorded in the step that made it."""

    def __init__(self, recorder: Recorder, call: Call) -> None:
        """Start with nothing yielded."""
        self._recorder = recorder
        self._call = call
        self._hashes = {tag: hashlib.sha256(_opening(tag)) for tag in (ITERATOR, ITERATOR_PREFIX)}
        self._texts: list[str] | None = []
        self._size = 0
        self._missing: str | None = None
        self._is_over = False

    def resumed(self) -> None:
        """Count the time from now on; what its consumer takes does not count."""
        self._call.clock = time.perf_counter_ns()

    def item(self, value: object) -> None:
        """Keep the text of a value as it is now; of a long sequence only the hash."""
        if self._is_over:
            return
        self._stop_clock()
        if self._missing is not None:
            return
        busy = DEPTH.set(BUSY)
        try:
            text = self._recorder.argument(self._call.test, value)
            if text.startswith(f'"{values.NOT_AVAILABLE}') and type(value) is not str:
                self._missing = json.loads(text)
                return
            data = (("," if self._size else "") + text).encode()
            self._size += len(data)
            for hash_ in self._hashes.values():
                hash_.update(data)
            if self._texts is not None:
                self._texts.append(text)
                if self._size > self._recorder.max_bytes:
                    self._texts = None
        except Exception as failure:
            self._recorder.note(failure)
        finally:
            DEPTH.reset(busy)

    def ended(self) -> None:
        """Record all that it yielded."""
        self._stop_clock()
        self._finish(self._output(ITERATOR))

    def raised(self, error: BaseException) -> None:
        """Record the exception; a generator that is closed has yielded what it has."""
        self._stop_clock()
        if isinstance(error, GeneratorExit):
            self.abandoned()
        else:
            busy = DEPTH.set(BUSY)
            try:
                output = self._call._failure(error)
            finally:
                DEPTH.reset(busy)
            self._finish(output)

    def abandoned(self) -> None:
        """Record what it yielded before nobody asked any more."""
        self._finish(self._output(ITERATOR_PREFIX))

    def _stop_clock(self) -> None:
        self._call.duration_ns += time.perf_counter_ns() - self._call.clock

    def _output(self, tag: str) -> str:
        if self._missing is not None:
            return self._missing
        if self._texts is not None:
            return (_opening(tag) + ",".join(self._texts).encode() + b"]}").decode()
        self._hashes[tag].update(b"]}")
        return values.TRUNCATED_PREFIX + self._hashes[tag].hexdigest()

    def _finish(self, output: str | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._call.test.open.pop(self._call.step, None)
        if output is None:
            return
        busy = DEPTH.set(BUSY)
        try:
            self._recorder.write(self._call, output)
        except Exception as failure:
            self._recorder.note(failure)
        finally:
            DEPTH.reset(busy)


def _is_coroutine(generator: types.GeneratorType[Any, Any, Any]) -> bool:
    return bool(generator.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def _class_name(cls: type) -> str:
    try:
        return values.qualified_name(cls)
    except Exception:
        return qualified_name(cls)


def _opening(tag: str) -> bytes:
    return f'{{"{tag}":['.encode()


def _is_explanation() -> bool:
    """Whether pytest itself makes the call, to show an object."""
    caller = sys._getframe(3).f_globals.get("__name__")  # above the trampoline
    return isinstance(caller, str) and caller.startswith(_EXPLAINERS)


def now() -> str:
    """Return the time as ISO 8601 text, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


_GENERATORS = frozenset(map(id, (types.GeneratorType, types.AsyncGeneratorType)))
_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _stop_all() -> None:
    for recorder in _recorders:
        recorder.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stop_all)

private_modules(globals())
private_modules(vars(values))

"""Observed functions behave and look as they do without observation."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import os
import random
import sys
import traceback
import types
import warnings

import pytest
from pytest_obslake.observing import Events, mechanism

from .programs import KINDS, Program

FILE = "<program>"
SEEDS = range(int(os.environ.get("OBSLAKE_PROGRAMS", "25")))

Answer = list


class Observed:
    """Observes functions, and keeps the events."""

    def __init__(self, follows: bool = True) -> None:
        self.history: list[tuple] = []
        self._follows = follows
        self.failures: list[BaseException] = []
        self.events = Events(self._begin, self.failures.append)
        self._mechanism = mechanism(self.events)

    def observe(self, function: types.FunctionType) -> None:
        self._mechanism.observe([function])

    def close(self) -> None:
        self.events.clear()
        self._mechanism.close()

    def _begin(self, frame: types.FrameType) -> bool:
        if frame.f_code.co_name == "f" and self._follows:
            handler = _Handler(id(frame), self.history, self.events)
            self.history.append(("start",))
            self.events.follow_steps(handler, is_waiting=False)
        return False


class _Handler:
    def __init__(self, key: int, history: list[tuple], events: Events) -> None:
        self.key = key
        self._history = history
        self._events = events
        self._is_waiting = False

    def started(self) -> bool:
        return False

    # If Python does not report that a generator is closed, another frame may reuse its address.

    def _is_there(self):
        if self._is_waiting:
            self._events.forget_steps(self.key)
            self._history.append(("gone",))
        return not self._is_waiting

    def returned(self, code, offset, value):
        if not self._is_there():
            return
        self._history.append(("return", repr(value)))
        self._events.forget_steps(self.key)

    def unwound(self, code, offset, error):
        if not self._is_there():
            return
        self._history.append(("unwind", repr(error)))
        self._events.forget_steps(self.key)

    def yielded(self, code, offset, value):
        if self._is_there():
            self._is_waiting = True
            self._history.append(("yield",))

    def resumed(self, code, offset):
        self._is_waiting = False
        self._history.append(("resume",))

    def thrown(self, code, offset, error):
        self._is_waiting = False
        self._history.append(("throw", repr(error)))


def load(program: Program) -> types.FunctionType:
    namespace: dict = {"__name__": "program"}
    exec(compile(program.text, FILE, "exec", dont_inherit=True), namespace)
    return namespace["f"]


def answer(act, log: list) -> Answer:
    """The result of an action: its value or exception with the lines of the traceback, and the log."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ["value", repr(act()), repr(log)]
    except BaseException as error:
        return ["error", *_describe(error), repr(log)]


def _describe(error: BaseException | None) -> list:
    found = []
    while error is not None and len(found) < 5:
        lines = [
            (frame.name, frame.lineno)
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == FILE
        ]
        found.append((repr(error), lines, error.__suppress_context__, error.__cause__ is None))
        error = error.__cause__ or error.__context__
    return found


def run(function, program: Program, seed: int) -> list:
    """Call a function, and advance a returned generator or coroutine in a random way."""
    chance = random.Random(seed)
    log: list = []
    args, kwargs = program.arguments()
    held: list = []

    def call():
        held.append(function(log, *args, **kwargs))
        return type(held[0]) if program.kind != "plain" else held[0]

    answers = [answer(call, log)]
    if program.kind == "plain" or not held:
        return answers
    running = held.pop()
    if inspect.isasyncgen(running):
        return answers + _run_asynchronously(running, chance, log)
    for _ in range(25):
        what = chance.random()
        if what < 0.6:
            act = functools.partial(running.send, None)
        elif what < 0.8:
            act = functools.partial(running.send, chance.randrange(9))
        elif what < 0.93:
            error = chance.choice([KeyError("thrown"), ValueError("thrown"), GeneratorExit()])
            act = functools.partial(running.throw, error)
        else:
            act = running.close
        answers.append(answer(act, log))
    with contextlib.suppress(BaseException):
        running.close()
    return [*answers, repr(log)]


def _run_asynchronously(running, chance, log) -> list:
    answers = []
    for _ in range(12):
        what = chance.random()
        if what < 0.6:
            step = running.asend(None)
        elif what < 0.75:
            step = running.asend(chance.randrange(9))
        elif what < 0.92:
            step = running.athrow(chance.choice([KeyError("thrown"), ValueError("thrown")]))
        else:
            step = running.aclose()
        for _ in range(25):
            if chance.random() < 0.9:
                answers.append(answer(lambda step=step: step.send(None), log))
            else:
                answers.append(answer(lambda step=step: step.throw(KeyError("inside")), log))
            if answers[-1][0] == "error":
                break
    return [*answers, repr(log)]


@pytest.mark.parametrize("follows", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_programs_do_the_same(kind, seed, follows):
    plain, seen = load(Program(seed, kind)), load(Program(seed, kind))
    views = view(plain)
    observed = Observed(follows)
    try:
        observed.observe(seen)
        assert view(seen) == views
        for round_ in range(3):
            expected = run(plain, program_of(seed, kind, round_), seed + round_)
            assert run(seen, program_of(seed, kind, round_), seed + round_) == expected
        assert_well_formed(observed.history)
        assert observed.failures == []
        assert follows or observed.history == []
    finally:
        observed.close()
    assert view(seen) == views
    assert seen.__code__ == plain.__code__


def program_of(seed: int, kind: str, round_: int) -> Program:
    """The program, with the arguments of one round."""
    program = Program(seed, kind)
    for _ in range(round_):
        program.arguments()
    return program


def assert_well_formed(history: list[tuple]) -> None:
    """Check that a call starts, resumes only while it is suspended, and ends once."""
    is_open = is_waiting = False
    for what, *_ in history:
        if what == "start":
            is_open, is_waiting = True, False
        elif what == "gone":
            assert sys.version_info >= (3, 13)
            is_open = is_waiting = False
        elif what in ("resume", "throw"):
            assert is_open
            is_waiting = False
        else:
            assert is_open, history
            assert not is_waiting, history
            is_waiting = what == "yield"
            is_open = what == "yield"


def view(function) -> list:
    """The attributes of a function that programs inspect."""
    code = function.__code__
    names = (
        "argcount posonlyargcount kwonlyargcount nlocals varnames cellvars freevars flags filename "
        "firstlineno name"
    )
    return [
        *(getattr(code, f"co_{name}") for name in names.split()),
        str(inspect.signature(function)),
        inspect.getfullargspec(function),
        inspect.unwrap(function) is function,
        sorted(vars(function)),
        function.__doc__,
        function.__defaults__,
        function.__kwdefaults__,
        function.__qualname__,
        inspect.isgeneratorfunction(function),
        inspect.iscoroutinefunction(function),
        inspect.isasyncgenfunction(function),
        asyncio.iscoroutinefunction(function) if sys.version_info < (3, 14) else None,
    ]

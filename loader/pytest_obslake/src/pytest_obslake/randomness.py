"""Detect whether a test drew from the shared generators of random numbers, and the seed that it used."""

from __future__ import annotations

import dis
import hashlib
import random
import sys
from types import CodeType, FrameType, FunctionType
from typing import Any, Callable

from pytest_obslake.isolation import private_modules
from pytest_obslake.observing import Handler
from pytest_obslake.recorder import Recorder

_N_HEX = 16
_modules = sys.modules
_generator: Any = random._inst
_get_state: Callable[[], Any] = _generator.getstate
# Position of numpy's generator in its state after seeding, and after the import only.
_SEEDED = 624
_IMPORTED = 623

_ANY = "any"
_CONSTANT = "constant"


class Randomness:
    """Watches the shared generators while a test runs.

    Hypothesis seeds them for each example and restores them; that is ignored.
    """

    def __init__(self, recorder: Recorder) -> None:
        """Observe the functions that seed the generator of `random`."""
        self._recorder = recorder
        self._is_on = False
        self._known: Any = None
        self._numpy: Any = None
        self._origin: Any = _ANY
        self._is_drawn = False
        self._seeds: Any = None
        for name in ("seed", "setstate"):
            function = vars(random.Random).get(name)
            if type(function) is FunctionType:
                recorder.watches.notice(function, self._is_seeded)

    def start(self) -> None:
        """Start a test."""
        self._known = _get_state()
        self._numpy = _numpy_state()
        self._origin = _ANY
        self._is_drawn = False
        self._seeds = None
        self._is_on = True

    def end(self) -> dict[str, Any]:
        """End the test; return the generator that it drew from, and the seed unless that was a constant."""
        if not self._is_on:
            return {}
        self._note_use()
        self._is_on = False
        self._known = None
        if self._is_drawn:
            return {"drawn_by": "random"}
        if _was_used(self._numpy, _numpy_state()):
            return {"drawn_by": "numpy"}
        if self._seeds is not None:
            return {"drawn_by": "random", "seed": self._seeds.hexdigest()[:_N_HEX]}
        return {}

    def _note_use(self) -> None:
        state = _get_state()
        if state == self._known:
            return
        self._known = state
        if self._origin is _ANY:
            self._is_drawn = True
        elif self._origin is not _CONSTANT:
            self._seeds = self._seeds or hashlib.sha256()
            self._seeds.update(repr(self._origin).encode())

    def _is_seeded(self, frame: FrameType) -> None:
        caller = frame.f_back
        if not self._is_on or frame.f_locals.get("self") is not _generator or caller is None:
            return
        if str(caller.f_globals.get("__name__")).startswith("hypothesis."):
            return
        self._note_use()
        argument = frame.f_locals.get(frame.f_code.co_varnames[1])
        self._recorder.events.follow(
            _Seeding(self, id(frame), argument, _is_constant(argument, caller.f_code))
        )

    def seeded(self, argument: Any, is_constant: bool) -> None:
        """Handle a new state of the generator."""
        self._known = _get_state()
        if argument is None:
            self._origin = _ANY
        else:
            self._origin = _CONSTANT if is_constant else self._known


class _Seeding(Handler):
    """Handles the end of a call that seeds the generator."""

    def __init__(self, randomness: Randomness, key: int, argument: Any, is_constant: bool) -> None:
        super().__init__(key)
        self._randomness = randomness
        self._argument = argument
        self._is_constant = is_constant

    def returned(self, code: Any, offset: Any, value: Any) -> None:
        recorder = self._randomness._recorder
        recorder.events.forget(self.key)
        try:
            self._randomness.seeded(self._argument, self._is_constant)
        except Exception as error:
            recorder.note(error)

    def unwound(self, code: Any, offset: Any, error: BaseException) -> None:
        self._randomness._recorder.events.forget(self.key)


def _is_constant(value: Any, code: CodeType) -> bool:
    """Return whether a value is a constant of the code, and so the same in every run."""
    if type(value) not in (int, str, float, bytes):
        return False
    if any(type(constant) is type(value) and constant == value for constant in code.co_consts):
        return True
    # Since Python 3.14, small numbers are in the instructions.
    return type(value) is int and any(
        instruction.opname == "LOAD_SMALL_INT" and instruction.argval == value
        for instruction in dis.get_instructions(code)
    )


def _numpy_state() -> Any:
    generator = getattr(_modules.get("numpy.random.mtrand"), "_rand", None)
    if generator is None:
        return None
    try:
        state = generator.get_state(legacy=False)
        words = state["state"]
        return (
            words["key"].tobytes(),
            int(words["pos"]),
            int(state["has_gauss"]),
            float(state["gauss"]),
        )
    except Exception:  # it was replaced by an unknown generator
        return None


def _was_used(before: Any, after: Any) -> bool:
    """Return whether numpy's generator has drawn. It may have been seeded: that is in C and not observable."""
    if after is None or after == before:
        return False
    if before is None:
        return bool(after[1] != _IMPORTED)
    return bool(after[0] == before[0] or after[1] != _SEEDED)


private_modules(globals())

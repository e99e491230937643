"""Hear what happens in the bodies of functions: what starts, waits, goes on and ends, and where.

What says so, `Events`, does not depend on how it is noticed: by `sys.monitoring` from Python 3.12 on
(`monitoring`), by instructions in the functions before (`injection`).
"""

from __future__ import annotations

import _thread
import sys
from functools import partial
from itertools import repeat
from operator import attrgetter
from types import CodeType, FrameType, FunctionType, SimpleNamespace
from typing import Any, Callable, Protocol

_get_ident = _thread.get_ident
_OURS = "pytest_obslake."
_get_frame = sys._getframe

# Callables in C: one returns its argument, the other takes any two or three arguments and returns
# what is false.
_same: Callable[[Any], Any] = partial(getattr, None, "")
_ignore: Callable[..., Any] = type.__prepare__


class Dispatcher(map):  # type: ignore[type-arg]
    """Calls what the next item of the map is, without a Python frame of its own.

    Instructions in the code ask for the next item themselves.

    Most functions that are observed are called by other ones, or while nothing is recorded. What they cost
    is what these maps cost, and they reach the recursion limit where they would, because no frame is added.
    """

    __slots__ = ()
    __call__ = property(next)

    def __reduce__(self) -> Any:
        """Code that asks for the next item can be pickled, and then calls what does nothing."""
        return repeat, (_ignore,)


class Exchanger(Dispatcher):
    """Calls what returns one object for another, or the same."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        """Code with it can be pickled, and then exchanges nothing."""
        return partial, (getattr, None, "")


class Handler:
    """What is told all that happens in a frame; `key` is its address. This one passes it over."""

    __slots__ = ("key",)

    def __init__(self, key: int) -> None:
        """Take the address of a frame."""
        self.key = key

    def started(self) -> bool:
        """Hear that it runs for the first time; return whether starts inside of it do not matter."""
        return False

    def yielded(self, code: Any, offset: Any, value: Any) -> None:
        """Hear that it waits, and what it hands out."""

    def resumed(self, code: Any, offset: Any) -> None:
        """Hear that it goes on."""

    def thrown(self, code: Any, offset: Any, error: BaseException) -> None:
        """Hear that it goes on with an exception."""

    def returned(self, code: Any, offset: Any, value: Any) -> None:
        """Hear what it returns."""

    def unwound(self, code: Any, offset: Any, error: BaseException) -> None:
        """Hear what it raises."""


class Events:
    """Passes on what happens in frames: the start of any to `begin`, the rest to who asked for that frame.

    Frames are known by their addresses, because whoever holds a frame keeps its variables alive.

    Attributes:
        threads: the threads in which starts do not matter.
        inside: what starts call where they do not matter.
        handlers: who is told of a frame, by its address.
        makers: who hears of starts also where others do not matter, by the code; says whether the end matters.
        start: what code calls that starts, and `start_anywhere`, what the code of makers calls.
        make_delegate: makes what stands in for what a frame awaits, where that is needed to know when it waits.
    """

    def __init__(
        self, begin: Callable[[FrameType], bool], note: Callable[[BaseException], None]
    ) -> None:
        """Let `begin` decide whether a start matters; it returns whether those inside of it do not."""
        self.threads: dict[int, Callable[..., Any]] = {}
        self.handlers: dict[int, Handler] = {}
        self.makers: dict[int, Callable[[FrameType], bool]] = {}
        self.inside: Callable[..., Any] = _ignore
        self._is_always_heard = False
        self._begin = begin
        self._note = note
        self._waiting: dict[int, Handler] = {}
        self.start = Dispatcher(self.threads.get, iter(_get_ident, None), repeat(self._start))
        self.start_anywhere = Dispatcher(
            {False: self._start, True: self._start_inside}.get,
            map(self.threads.__contains__, iter(_get_ident, None)),
        )
        self.return_ = self._told("returned")
        self.unwind = self._told("unwound")
        self.yield_ = self._told("yielded")
        self.resume = self._told("resumed")
        self.throw = self._told("thrown")
        self.make_delegate: Callable[[Handler, Any], Any] | None = None
        self._delegates: dict[int, Callable[[Any], Any]] = {}
        self.delegate = Exchanger(
            self._delegates.get, map(id, iter(_get_frame, None)), repeat(_same)
        )

    def _told(self, event: str) -> Dispatcher:
        """Return what tells the handler of the frame that runs."""
        frames = map(id, iter(_get_frame, None))
        return Dispatcher(attrgetter(event), map(self.handlers.get, frames, repeat(_NOBODY)))

    def _start(self, code: Any, offset: Any) -> bool:
        """Hear of a start; return whether the rest matters."""
        thread = _get_ident()
        frame = _get_frame(1)
        is_inside = False
        # Nothing is called before the end is sure to be heard: a signal may raise then.
        self.threads[thread] = self.inside
        try:
            if self._waiting and id(frame) in self._waiting:
                is_inside = self._waiting[id(frame)].started()
            else:
                is_inside = self._begin(frame)
        except Exception as error:
            self._note(error)
        finally:
            if not is_inside:
                self.threads.pop(thread, None)
        return is_inside or id(frame) in self.handlers

    def look_inside(self, always: bool = False) -> None:
        """Hear of starts that do not matter otherwise: of frames that were there before, and of makers.

        That is so until no frame waits any more, or always.
        """
        self._is_always_heard = self._is_always_heard or always
        self.inside = self._start_inside
        for thread in list(self.threads):
            self.threads[thread] = self.inside

    def _stop_waiting(self, key: int) -> None:
        self._waiting.pop(key, None)
        if not (self._waiting or self._is_always_heard):
            self.inside = _ignore

    def _start_inside(self, code: Any, offset: Any) -> bool:
        frame = _get_frame(1)
        maker = self.makers.get(id(frame.f_code))
        if maker is not None:
            try:
                if maker(frame):
                    return True
            except Exception as error:
                self._note(error)
        return id(frame) in self._waiting

    def enter(self) -> bool:
        """Let starts in this thread not matter from now on; return whether that was so before."""
        thread = _get_ident()
        was_inside = thread in self.threads
        self.threads[thread] = self.inside
        return was_inside

    def leave(self) -> None:
        """Let starts in this thread matter again."""
        self.threads.pop(_get_ident(), None)

    def forget_lost(self) -> int:
        """Let starts matter again in threads where the end of a call was missed; return how many there were.

        A thread is inside of a call as long as a frame of its is followed, or the recorder is at work in it.
        """
        if not self.threads:
            return 0
        frames = sys._current_frames()
        here = _get_ident()
        lost = [
            thread
            for thread in list(self.threads)
            if not self._is_busy(frames.get(thread), thread != here)
        ]
        for thread in lost:
            self.threads.pop(thread, None)
        return len(lost)

    def _is_busy(self, frame: FrameType | None, may_record: bool) -> bool:
        while frame is not None:
            if id(frame) in self.handlers:
                return True
            module = frame.f_globals.get("__name__")
            if may_record and isinstance(module, str) and module.startswith(_OURS):
                return True
            frame = frame.f_back
        return False

    def follow(self, handler: Handler) -> None:
        """Tell a handler what happens in the frame of its key from now on."""
        self.handlers[handler.key] = handler

    def follow_steps(self, handler: Handler, is_waiting: bool) -> None:
        """Tell a handler all that happens in the frame of its key; whether it is still to start."""
        key = handler.key
        self.handlers[key] = handler
        if self.make_delegate is not None:
            self._delegates[key] = partial(self.make_delegate, handler)
        if is_waiting:
            self._waiting[key] = handler
            self.look_inside()
        elif self._waiting:
            self._stop_waiting(key)

    def forget(self, key: int) -> None:
        """Tell nobody any more how a call ends."""
        self.handlers.pop(key, None)

    def forget_steps(self, key: int) -> None:
        """Tell nobody any more what happens in a frame that waits and goes on."""
        self.handlers.pop(key, None)
        if self.make_delegate is not None:
            self._delegates.pop(key, None)
        if self._waiting:
            self._stop_waiting(key)

    def started(self, key: int) -> None:
        """Note that a frame that was there before runs now."""
        self._stop_waiting(key)

    def clear(self) -> None:
        """Tell nobody anything any more."""
        for key in list(self.handlers):
            self.forget_steps(key)
        self.threads.clear()


_NOBODY: Any = SimpleNamespace(
    returned=_ignore, unwound=_ignore, yielded=_ignore, resumed=_ignore, thrown=_ignore
)


class Mechanism(Protocol):
    """A way to notice what happens in functions."""

    def observe(self, functions: list[FunctionType], are_makers: bool = False) -> None:
        """Notice what happens in functions from now on; of makers also where others do not matter."""

    def prepare(self, functions: list[FunctionType]) -> None:
        """Be able to follow the generators and coroutines that functions make."""

    def can_follow(self, code: CodeType) -> bool:
        """Whether what happens in the frame of a generator that has not started will be noticed."""

    def close(self) -> None:
        """Notice nothing more, and leave everything as it was."""


class Unavailable(Exception):  # noqa: N818 - says why
    """There is no way to notice anything here."""


def mechanism(events: Events) -> Mechanism:
    """Return the way to notice what happens that this Python has."""
    if sys.version_info >= (3, 12):
        from pytest_obslake.monitoring import Monitoring

        return Monitoring(events)
    from pytest_obslake.injection import Injection

    return Injection(events)

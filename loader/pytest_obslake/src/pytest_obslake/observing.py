"""Dispatch the events of frames: start, yield, resume and end of the bodies of functions.

`Events` does not depend on the mechanism that raises them: `sys.monitoring` since Python 3.12 (`monitoring`),
injected instructions before (`injection`).
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

# Callables in C: one returns its argument, the other takes two or three arguments and returns a false value.
_same: Callable[[Any], Any] = partial(getattr, None, "")
_ignore: Callable[..., Any] = type.__prepare__


class Dispatcher(map):  # type: ignore[type-arg]
    """Calls the next item of the map without a Python frame.

    Injected instructions fetch the next item themselves.

    Most calls of observed functions are inside of steps, or happen while nothing is recorded. They cost no more
    than these maps, and do not reach the recursion limit earlier because no frame is added.
    """

    __slots__ = ()
    __call__ = property(next)

    def __reduce__(self) -> Any:
        """Allow code that fetches the next item to be pickled; the copy calls a function that does nothing."""
        return repeat, (_ignore,)


class Exchanger(Dispatcher):
    """Calls a function that returns a replacement of its argument, or the same object."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        """Allow code with it to be pickled; the copy replaces nothing."""
        return partial, (getattr, None, "")


class Handler:
    """Handles the events of one frame; `key` is its address. This base class ignores them."""

    __slots__ = ("key",)

    def __init__(self, key: int) -> None:
        """Take the address of a frame."""
        self.key = key

    def started(self) -> bool:
        """Handle its start; return whether starts inside of it are ignored."""
        return False

    def yielded(self, code: Any, offset: Any, value: Any) -> None:
        """Handle that it yields a value or waits."""

    def resumed(self, code: Any, offset: Any) -> None:
        """Handle that it resumes."""

    def thrown(self, code: Any, offset: Any, error: BaseException) -> None:
        """Handle that it resumes with an exception."""

    def returned(self, code: Any, offset: Any, value: Any) -> None:
        """Handle the value that it returns."""

    def unwound(self, code: Any, offset: Any, error: BaseException) -> None:
        """Handle the exception that leaves it."""


class Events:
    """Dispatches the events of frames: starts to `begin`, all others to the handler of the frame.

    Frames are identified by their addresses, because a reference to a frame would keep its variables alive.

    Attributes:
        threads: threads that are inside of a step, where starts are ignored.
        inside: called for starts inside of a step.
        handlers: handlers by the address of their frame.
        makers: callbacks for starts also inside of steps, by the address of code; return whether the end matters.
        start: called when code starts; `start_anywhere` is called when the code of makers starts.
        make_delegate: wraps awaited objects where that is necessary to observe when a frame waits.
    """

    def __init__(
        self, begin: Callable[[FrameType], bool], note: Callable[[BaseException], None]
    ) -> None:
        """Pass starts to `begin`, which returns whether starts inside of it are ignored."""
        self.threads: dict[int, Callable[..., Any]] = {}
        self.handlers: dict[int, Handler] = {}
        self.makers: dict[int, Callable[[FrameType], bool]] = {}
        self.inside: Callable[..., Any] = _ignore
        self._is_always_inside = False
        self._begin = begin
        self._note = note
        self._waiting: dict[int, Handler] = {}
        self.start = Dispatcher(self.threads.get, iter(_get_ident, None), repeat(self._start))
        self.start_anywhere = Dispatcher(
            {False: self._start, True: self._start_inside}.get,
            map(self.threads.__contains__, iter(_get_ident, None)),
        )
        self.return_ = self._dispatcher("returned")
        self.unwind = self._dispatcher("unwound")
        self.yield_ = self._dispatcher("yielded")
        self.resume = self._dispatcher("resumed")
        self.throw = self._dispatcher("thrown")
        self.make_delegate: Callable[[Handler, Any], Any] | None = None
        self._delegates: dict[int, Callable[[Any], Any]] = {}
        self.delegate = Exchanger(
            self._delegates.get, map(id, iter(_get_frame, None)), repeat(_same)
        )

    def _dispatcher(self, event: str) -> Dispatcher:
        """Return a dispatcher that calls a method of the running frame's handler."""
        frames = map(id, iter(_get_frame, None))
        return Dispatcher(attrgetter(event), map(self.handlers.get, frames, repeat(_NO_HANDLER)))

    def _start(self, code: Any, offset: Any) -> bool:
        """Handle a start; return whether the frame's other events matter."""
        thread = _get_ident()
        frame = _get_frame(1)
        is_inside = False
        # No calls before the `try`, which observes the end in any case: the handler of a signal may raise.
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
        """Also handle starts inside of steps: those of frames that exist already, and of makers.

        This lasts until no frame waits for its start, or forever with `always`.
        """
        self._is_always_inside = self._is_always_inside or always
        self.inside = self._start_inside
        for thread in list(self.threads):
            self.threads[thread] = self.inside

    def _stop_waiting(self, key: int) -> None:
        self._waiting.pop(key, None)
        if not (self._waiting or self._is_always_inside):
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
        """Ignore starts in this thread from now on; return whether they were ignored before."""
        thread = _get_ident()
        was_inside = thread in self.threads
        self.threads[thread] = self.inside
        return was_inside

    def leave(self) -> None:
        """Handle starts in this thread again."""
        self.threads.pop(_get_ident(), None)

    def forget_lost(self) -> int:
        """Handle starts again in threads that missed the end of a call; return the number of these threads.

        A thread is inside of a call while one of its frames is followed or the recorder runs in it.
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
        """Send the events of the frame with the handler's key to the handler from now on."""
        self.handlers[handler.key] = handler

    def follow_steps(self, handler: Handler, is_waiting: bool) -> None:
        """Send all events of a frame that yields or waits to its handler; `is_waiting` if it has not started."""
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
        """Stop handling the end of a call."""
        self.handlers.pop(key, None)

    def forget_steps(self, key: int) -> None:
        """Stop handling the events of a frame that yields or waits."""
        self.handlers.pop(key, None)
        if self.make_delegate is not None:
            self._delegates.pop(key, None)
        if self._waiting:
            self._stop_waiting(key)

    def started(self, key: int) -> None:
        """Stop waiting for the start of a frame."""
        self._stop_waiting(key)

    def clear(self) -> None:
        """Remove all handlers."""
        for key in list(self.handlers):
            self.forget_steps(key)
        self.threads.clear()


_NO_HANDLER: Any = SimpleNamespace(
    returned=_ignore, unwound=_ignore, yielded=_ignore, resumed=_ignore, thrown=_ignore
)


class Mechanism(Protocol):
    """A way to observe functions."""

    def observe(self, functions: list[FunctionType], are_makers: bool = False) -> None:
        """Observe functions from now on; makers also inside of steps."""

    def prepare(self, functions: list[FunctionType]) -> None:
        """Prepare to observe the generators and coroutines that functions create."""

    def can_follow(self, code: CodeType) -> bool:
        """Return whether a generator that has not started can be observed."""

    def close(self) -> None:
        """Stop observing, and restore everything."""


class Unavailable(Exception):  # noqa: N818 - says why
    """Functions cannot be observed in this process."""


def mechanism(events: Events) -> Mechanism:
    """Return the mechanism of this version of Python."""
    if sys.version_info >= (3, 12):
        from pytest_obslake.monitoring import Monitoring

        return Monitoring(events)
    from pytest_obslake.injection import Injection

    return Injection(events)

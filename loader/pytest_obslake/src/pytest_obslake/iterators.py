"""Run generators and coroutines step by step, as ``yield from`` and ``await`` do, and note what comes out."""

from __future__ import annotations

import types
from collections.abc import AsyncGenerator, Generator
from contextvars import ContextVar
from typing import Any, Protocol

from pytest_obslake.isolation import hidden, pop_traceback

DEPTH: ContextVar[int] = ContextVar("pytest_obslake_depth", default=0)
"""How many targets are being executed here, one inside the other."""


class Observer(Protocol):
    """Is told what an iterator does."""

    def resumed(self) -> None:
        """Hear that it runs from now on, until it yields, ends or raises."""

    def item(self, value: object) -> None:
        """Hear that it yielded a value."""

    def ended(self) -> None:
        """Hear that it is exhausted."""

    def raised(self, error: BaseException) -> None:
        """Hear that it raised an exception, or was closed."""


@hidden
def iterate(inner: Generator[Any, Any, Any], observer: Observer | None) -> Generator[Any, Any, Any]:
    """Do what a generator (or a coroutine) does, no earlier than it is asked to."""
    sent: Any = None
    thrown: BaseException | None = None
    while True:
        if observer is not None:
            observer.resumed()
        token = DEPTH.set(DEPTH.get() + 1)
        try:
            value = inner.send(sent) if thrown is None else inner.throw(thrown)
        except StopIteration as stop:
            if observer is not None:
                observer.ended()
            return stop.value
        except BaseException as error:
            if observer is not None:
                observer.raised(error)
            pop_traceback(error)
            raise
        finally:
            DEPTH.reset(token)
            sent = thrown = None
        if observer is not None:
            observer.item(value)
        parcel = [value]
        del value  # while it waits, a generator does not keep alive what it has yielded
        try:
            sent = yield parcel.pop()
        except BaseException as error:
            pop_traceback(error)
            thrown = error


@hidden
@types.coroutine
def drive(inner: Any) -> Generator[Any, Any, Any]:
    """Await a coroutine; only while it runs does the code count as inside of a target."""
    try:
        return (yield from iterate(inner, None))
    except BaseException as error:
        pop_traceback(error)
        raise


@hidden
async def iterate_asynchronously(
    inner: AsyncGenerator[Any, Any], observer: Observer
) -> AsyncGenerator[Any, Any]:
    """Do what an asynchronous generator does, no earlier than it is asked to."""
    sent: Any = None
    thrown: BaseException | None = None
    while True:
        observer.resumed()
        try:
            value = await drive(inner.asend(sent) if thrown is None else inner.athrow(thrown))
        except StopAsyncIteration:
            observer.ended()
            return
        except BaseException as error:
            observer.raised(error)
            pop_traceback(error)
            raise
        finally:
            sent = thrown = None
        observer.item(value)
        parcel = [value]
        del value
        try:
            sent = yield parcel.pop()
        except BaseException as error:
            pop_traceback(error)
            thrown = error

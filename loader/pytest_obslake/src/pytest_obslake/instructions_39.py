"""Inject instructions of Python 3.9 and 3.10 that report the events of a function."""

from __future__ import annotations

import inspect
import sys
from types import CodeType, CoroutineType
from typing import Any, Callable

from bytecode import Bytecode, Instr, Label

from pytest_obslake.observing import Events
from pytest_obslake.steps import ITEM

_ROOM = 16
"""Upper bound of the additional stack size."""

# Since Python 3.10, the argument makes tracebacks show the line that raised instead of this one.
_RERAISE = ("RERAISE", 1) if sys.version_info >= (3, 10) else ("RERAISE",)


def inject(
    code: CodeType,
    events: Events,
    start: Callable[..., Any],
    inner: Callable[[CodeType], CodeType],
) -> CodeType:
    """Return code that does the same and reports its events.

    The code calls `start` when it starts; `inner` returns the replacement of code nested in it.
    """
    return _Injector(code, events, start, inner).code()


class _Injector:
    """Duplicates the body of a function: one copy is unchanged, the other is in a block with a handler."""

    def __init__(
        self,
        code: CodeType,
        events: Events,
        start: Callable[..., Any],
        inner: Callable[[CodeType], CodeType],
    ) -> None:
        self._original = code
        self._start = start
        self._inner = inner
        self._events = events
        self._source = Bytecode.from_code(code)
        self._out: list[Any] = []
        self._line = code.co_firstlineno
        is_asynchronous = bool(code.co_flags & inspect.CO_ASYNC_GENERATOR)
        self._offset_of_items = ITEM if is_asynchronous else 0

    def code(self) -> CodeType:
        source: list[Any] = list(self._source)
        unwind, throw = Label(), Label()
        self._line = next(
            (item.lineno for item in source if isinstance(item, Instr) and item.lineno), self._line
        )
        if isinstance(source[0], Instr) and source[0].name == "GEN_START":
            self._add("GEN_START", source.pop(0).arg)
        plain = Label()
        self._call_with_two(self._start, keeps_answer=True)
        self._add("POP_JUMP_IF_FALSE", plain)
        self._add("SETUP_FINALLY", unwind)
        for item in _copy(source):
            if isinstance(item, Instr):
                self._line = item.lineno or self._line
                self._instruction(item, throw)
            else:
                self._out.append(item)
        self._out.append(plain)
        self._out += [self._replaced(item) for item in source]
        self._line = self._original.co_firstlineno
        for label, event in ((throw, self._events.throw), (unwind, self._events.unwind)):
            self._out.append(label)
            # Duplicate the two top values of the exception, and keep one of the copies.
            self._add("DUP_TOP_TWO")
            self._add("POP_TOP")
            self._call_with_top(event)
            self._add(*_RERAISE)
        return self._assembled()

    def _instruction(self, item: Any, throw: Label) -> None:
        if item.name == "RETURN_VALUE":
            self._add("POP_BLOCK")
            self._add("DUP_TOP")
            self._call_with_top(self._events.return_)
            self._out.append(item)
        elif item.name == "YIELD_VALUE":
            self._add("DUP_TOP")
            self._call_with_top(self._events.yield_, self._offset_of_items)
            self._add("SETUP_FINALLY", throw)
            self._out.append(item)
            self._add("POP_BLOCK")
            self._call_with_two(self._events.resume)
        elif item.name == "YIELD_FROM":
            self._add("SETUP_FINALLY", throw)
            self._out.append(item)
            self._add("POP_BLOCK")
        elif item.name in ("GET_AWAITABLE", "GET_YIELD_FROM_ITER"):
            self._out.append(item)
            self._add("LOAD_CONST", self._events.delegate)
            self._add("ROT_TWO")
            self._add("CALL_FUNCTION", 1)
        else:
            self._out.append(self._replaced(item))

    def _replaced(self, item: Any) -> Any:
        if isinstance(item, Instr) and type(item.arg) is CodeType:
            return Instr(item.name, self._inner(item.arg), lineno=item.lineno)
        return item

    def _load(self, event: Callable[..., Any]) -> None:
        """Fetch the event's next item to call, which takes half the time of calling the event."""
        self._add("LOAD_CONST", next)
        self._add("LOAD_CONST", event)
        self._add("CALL_FUNCTION", 1)

    def _call_with_two(self, event: Callable[..., Any], keeps_answer: bool = False) -> None:
        self._load(event)
        self._add("LOAD_CONST", None)
        self._add("LOAD_CONST", 0)
        self._add("CALL_FUNCTION", 2)
        if not keeps_answer:
            self._add("POP_TOP")

    def _call_with_top(self, event: Callable[..., Any], offset: int = 0) -> None:
        self._load(event)
        self._add("ROT_TWO")
        for constant in (None, offset):
            self._add("LOAD_CONST", constant)
            self._add("ROT_TWO")
        self._add("CALL_FUNCTION", 3)
        self._add("POP_TOP")

    def _add(self, name: str, *argument: Any) -> None:
        self._out.append(Instr(name, *argument, lineno=self._line))

    def _assembled(self) -> CodeType:
        result = Bytecode(self._out)
        result._copy_attr_from(self._source)
        # Keep the positions of variables.
        result.argnames = list(self._original.co_varnames)
        made = result.to_code(stacksize=self._original.co_stacksize + _ROOM)
        lines = "co_linetable" if sys.version_info >= (3, 10) else "co_lnotab"
        return self._original.replace(
            co_code=made.co_code,
            co_consts=made.co_consts,
            co_names=made.co_names,
            co_stacksize=made.co_stacksize,
            **{lines: getattr(made, lines)},
        )


def _copy(body: list[Any]) -> list[Any]:
    """Return a copy of the instructions with new labels."""
    labels: dict[int, Label] = {}
    copies: list[Any] = []
    for item in body:
        if isinstance(item, Label):
            copies.append(labels.setdefault(id(item), Label()))
        elif isinstance(item, Instr) and isinstance(item.arg, Label):
            target = labels.setdefault(id(item.arg), Label())
            copies.append(Instr(item.name, target, lineno=item.lineno))
        else:
            copies.append(item)
    return copies


class Delegate(map):  # type: ignore[type-arg]
    """Wraps the object that a function delegates to by ``await`` or ``yield from``, and reports when it waits.

    Before Python 3.11, one instruction does the whole delegation. The object is advanced in C, so that no frame is
    visible; only sent values and thrown exceptions pass through a method.
    """

    def __new__(cls, handler: Any, inner: Any) -> Delegate:
        """Call the handler before and after each step of the awaited object."""
        steps = inner.__await__() if type(inner) is CoroutineType else inner

        def resume() -> None:
            handler.resumed(None, 0)

        def wait(_: None, value: Any) -> Any:
            handler.yielded(None, 0, value)
            return value

        made = super().__new__(cls, wait, iter(resume, made_never := object()), steps)
        del made_never
        made._handler, made._inner = handler, inner  # type: ignore[attr-defined]
        return made

    def send(self, value: Any) -> Any:
        """Pass on a sent value."""
        __tracebackhide__ = True
        self._handler.resumed(None, 0)  # type: ignore[attr-defined]
        return self._wait(self._inner.send(value))  # type: ignore[attr-defined]

    def throw(self, *error: Any) -> Any:
        """Pass on a thrown exception."""
        __tracebackhide__ = True
        thrown = error[1] if len(error) > 1 and error[1] is not None else error[0]
        self._handler.thrown(None, 0, thrown)  # type: ignore[attr-defined]
        return self._wait(self._inner.throw(*error))  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close the wrapped object."""
        close = getattr(self._inner, "close", None)  # type: ignore[attr-defined]
        if close is not None:
            close()

    def _wait(self, value: Any) -> Any:
        self._handler.yielded(None, 0, value)  # type: ignore[attr-defined]
        return value

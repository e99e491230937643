"""Inject instructions of Python 3.11 that report the events of a function."""

from __future__ import annotations

from types import CodeType
from typing import Any, Callable

from bytecode import Bytecode, Instr, Label
from bytecode.instr import InstrLocation, TryBegin, TryEnd

from pytest_obslake.observing import Events
from pytest_obslake.steps import ITEM

_ROOM = 10
"""Upper bound of the additional stack size."""

_NOWHERE = InstrLocation(None, None, None, None)


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
    """Duplicates the body of a function: one copy is observed, the other unchanged for calls that do not matter.

    Each instruction has at most one exception handler, so the outermost handler is attached to every instruction
    without another one. While a generator waits, exceptions are thrown in from outside: a separate handler reports
    that the generator resumes, and raises again into the original handler.
    """

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
        self._source = Bytecode.from_code(code, conserve_exception_block_stackdepth=True)
        self._out: list[Any] = []
        self._unwind = Label()
        self._plain = Label()
        self._try: TryBegin | None = None
        self._open: TryBegin | None = None
        self._throws: dict[int, tuple[Label, TryBegin | None]] = {}
        self._call_handlers: list[tuple[Label, Label]] = []

    def code(self) -> CodeType:
        source: list[Any] = list(self._source)
        begin = 1 + next(
            index for index, item in enumerate(source) if getattr(item, "name", "") == "RESUME"
        )
        body = source[begin:]
        self._out += source[:begin]
        self._choose(_first_location(body, source[begin - 1]))
        self._observe(_copy(body))
        self._begin_plain(source[begin - 1])
        self._out += [self._replaced(item) for item in body]
        self._add_handlers()
        return self._assembled()

    def _choose(self, location: Any) -> None:
        """Add the test whether the call matters; hitting the recursion limit in it has no effect."""
        on_error = Label()
        self._cover(TryBegin(on_error, False, 0))
        self._call(self._start, 2, location, keeps_answer=True)
        # The handler of a signal that raises after a jump is said to raise in the instruction before its target:
        # here, if the body begins with a loop.
        self._cover(None)
        self._out.append(Instr("POP_JUMP_FORWARD_IF_FALSE", self._plain, location=location))
        self._call_handlers.append((on_error, self._plain))

    def _begin_plain(self, resume: Instr) -> None:
        """Separate the unchanged copy from the observed one, whose last instruction may have a handler."""
        nothing = Instr("NOP", location=resume.location)
        self._out += [nothing, self._plain, nothing.copy()]

    def _observe(self, body: list[Any]) -> None:
        ends = self._ends_of_loops(body)
        skip_until = 0
        for index, item in enumerate(body):
            if index < skip_until:
                continue
            if isinstance(item, (TryBegin, TryEnd)):
                self._try = item if isinstance(item, TryBegin) else None
            elif isinstance(item, Label):
                self._out.append(item)
                if id(item) in ends:
                    self._cover(self._try)
                    self._call(self._events.resume, 2, ends[id(item)])
            elif item.name == "YIELD_VALUE":
                skip_until = self._wait(body, index)
            else:
                if item.name == "RETURN_VALUE":
                    # Nothing else is on the stack here.
                    self._call_safely(self._events.return_, 3, 1, item.location)
                self._cover(self._try)
                if item.name == "ASYNC_GEN_WRAP":
                    self._call(self._events.yield_, 3, item.location, offset=ITEM)
                self._out.append(self._replaced(item))
        self._close()

    def _replaced(self, item: Any) -> Any:
        if isinstance(item, Instr) and type(item.arg) is CodeType:
            return Instr(item.name, self._inner(item.arg), location=item.location)
        return item

    def _ends_of_loops(self, source: list[Any]) -> dict[int, Any]:
        """Return the places after an await, which can be reached without a resume."""
        return {
            id(item.arg): item.location
            for item in source
            if isinstance(item, Instr) and item.name == "SEND"
        }

    def _wait(self, source: list[Any], index: int) -> int:
        """Add a wait and the instructions up to its end; return the index of the next instruction."""
        item = source[index]
        before = next(i for i in reversed(source[:index]) if isinstance(i, Instr))
        self._cover(self._try)
        is_loop = before.name == "SEND"
        if before.name != "ASYNC_GEN_WRAP":
            self._call(self._events.yield_, 3, item.location)
        if is_loop:
            # If an exception thrown into the awaited object ends it, Python reads the target from the instruction
            # before this one.
            skip = Label()
            self._out += [Instr("JUMP_FORWARD", skip, location=item.location), before.copy(), skip]
        self._cover(self._throw_handler())
        self._out.append(item)
        index += 1
        while True:
            following = source[index]
            index += 1
            if isinstance(following, (TryBegin, TryEnd)):
                self._try = following if isinstance(following, TryBegin) else None
                continue
            self._out.append(following)
            if isinstance(following, Instr) and following.name == "RESUME":
                self._call(self._events.resume, 2, item.location)
                if not is_loop:
                    break
            elif isinstance(following, Instr):
                break  # the jump back to the start of the loop
        return index

    def _throw_handler(self) -> TryBegin:
        """Return the handler for thrown-in exceptions that leads to the current handler."""
        key = id(self._try.target) if self._try is not None else 0
        if key not in self._throws:
            self._throws[key] = (Label(), self._try)
        depth = self._try.stack_depth if self._try is not None else 0
        return TryBegin(self._throws[key][0], True, depth)

    def _cover(self, handler: TryBegin | None) -> None:
        """Set the handler of the following instructions; None means the outermost one."""
        if handler is None:
            handler = TryBegin(self._unwind, True, 0)
        if self._open is not None:
            if _is_same(self._open, handler):
                return
            self._close()
        self._open = TryBegin(handler.target, handler.push_lasti, handler.stack_depth)
        self._out.append(self._open)

    def _close(self) -> None:
        if self._open is not None:
            self._out.append(TryEnd(self._open))
            self._open = None

    def _call(
        self,
        event: Callable[..., Any],
        n_arguments: int,
        location: Any,
        offset: int = 0,
        keeps_answer: bool = False,
    ) -> None:
        """Add a call of an event; the third argument, if any, is on top of the stack and stays there."""
        self._out += [
            Instr("PUSH_NULL", location=location),
            # Fetch the event's next item and call that, which takes half the time of calling the event.
            Instr("PUSH_NULL", location=location),
            Instr("LOAD_CONST", next, location=location),
            Instr("LOAD_CONST", event, location=location),
            Instr("PRECALL", 1, location=location),
            Instr("CALL", 1, location=location),
            Instr("LOAD_CONST", None, location=location),
            Instr("LOAD_CONST", offset, location=location),
        ]
        if n_arguments == 3:
            self._out.append(Instr("COPY", 5, location=location))
        self._out += [
            Instr("PRECALL", n_arguments, location=location),
            Instr("CALL", n_arguments, location=location),
        ]
        if not keeps_answer:
            self._out.append(Instr("POP_TOP", location=location))

    def _call_safely(
        self, event: Callable[..., Any], n_arguments: int, depth: int, location: Any
    ) -> None:
        """Add a call whose RecursionError is ignored, because the function itself has not reached the limit."""
        on_error, next_instruction = Label(), Label()
        self._cover(TryBegin(on_error, False, depth))
        self._call(event, n_arguments, location)
        self._close()
        self._out.append(next_instruction)
        self._call_handlers.append((on_error, next_instruction))

    def _add_handlers(self) -> None:
        for label, handler in self._throws.values():
            self._out.append(label)
            self._cover(handler)
            self._handle(self._events.throw)
        self._close()
        self._out.append(self._unwind)
        self._handle(self._events.unwind, 3)
        for on_error, next_instruction in self._call_handlers:
            self._ignore_recursion_error(on_error, next_instruction)

    def _handle(self, event: Callable[..., Any], depth: int | None = None) -> None:
        self._out.append(Instr("PUSH_EXC_INFO", location=_NOWHERE))
        if depth is None:
            self._call(event, 3, _NOWHERE)
        else:
            self._call_safely(event, 3, depth, _NOWHERE)
        # Raise again without adding a traceback entry.
        self._out += [
            Instr("SWAP", 2, location=_NOWHERE),
            Instr("POP_EXCEPT", location=_NOWHERE),
            Instr("RERAISE", 1, location=_NOWHERE),
        ]

    def _ignore_recursion_error(self, on_error: Label, next_instruction: Label) -> None:
        """Add the handler that ignores a RecursionError of a call."""
        others = Label()
        self._out.append(on_error)
        # The handler of a signal may have raised after the start was reported: then the end must be reported, too.
        self._cover(None)
        self._out += [
            Instr("PUSH_EXC_INFO", location=_NOWHERE),
            Instr("LOAD_CONST", RecursionError, location=_NOWHERE),
            Instr("CHECK_EXC_MATCH", location=_NOWHERE),
            Instr("POP_JUMP_FORWARD_IF_FALSE", others, location=_NOWHERE),
            Instr("POP_TOP", location=_NOWHERE),
            Instr("POP_EXCEPT", location=_NOWHERE),
            Instr("JUMP_BACKWARD", next_instruction, location=_NOWHERE),
            others,
            Instr("SWAP", 2, location=_NOWHERE),
            Instr("POP_EXCEPT", location=_NOWHERE),
            Instr("RERAISE", 0, location=_NOWHERE),
        ]
        self._close()

    def _assembled(self) -> CodeType:
        result = Bytecode(self._out)
        result._copy_attr_from(self._source)
        # Keep the positions of variables.
        result.argnames = list(self._original.co_varnames)
        made = result.to_code(
            stacksize=self._original.co_stacksize + _ROOM,
            check_pre_and_post=False,
            compute_exception_stack_depths=False,
        )
        return self._original.replace(
            co_code=made.co_code,
            co_consts=made.co_consts,
            co_names=made.co_names,
            co_stacksize=made.co_stacksize,
            co_linetable=made.co_linetable,
            co_exceptiontable=made.co_exceptiontable,
        )


def _is_same(one: TryBegin, other: TryBegin) -> bool:
    return (
        one.target is other.target
        and one.push_lasti == other.push_lasti
        and one.stack_depth == other.stack_depth
    )


def _first_location(body: list[Any], otherwise: Any) -> Any:
    """Return the location of the body's first line, so that tracers see the same lines as without injection."""
    for item in body:
        if isinstance(item, Instr) and item.lineno is not None:
            return item.location
    return otherwise.location


def _copy(body: list[Any]) -> list[Any]:
    """Return a copy of the instructions with new labels and handlers."""
    labels: dict[int, Label] = {}
    begins: dict[int, TryBegin] = {}

    def label(original: Any) -> Label:
        return labels.setdefault(id(original), Label())

    copies: list[Any] = []
    for item in body:
        if isinstance(item, Label):
            copies.append(label(item))
        elif isinstance(item, TryBegin):
            begins[id(item)] = TryBegin(label(item.target), item.push_lasti, item.stack_depth)
            copies.append(begins[id(item)])
        elif isinstance(item, TryEnd):
            copies.append(TryEnd(begins[id(item.entry)]))
        elif isinstance(item.arg, Label):
            copies.append(Instr(item.name, label(item.arg), location=item.location))
        else:
            copies.append(item)
    return copies

"""Instructions of Python 3.11 that tell what happens in a function."""

from __future__ import annotations

from types import CodeType
from typing import Any, Callable

from bytecode import Bytecode, Instr, Label
from bytecode.instr import InstrLocation, TryBegin, TryEnd

from pytest_obslake.observing import Events
from pytest_obslake.steps import ITEM

_ROOM = 10
"""How much more of the stack is needed at most."""

_NOWHERE = InstrLocation(None, None, None, None)


def inject(
    code: CodeType,
    events: Events,
    start: Callable[..., Any],
    inner: Callable[[CodeType], CodeType],
) -> CodeType:
    """Return code that does the same, and tells.

    `start` is what it calls when it starts; `inner` returns what to put in place of code in it.
    """
    return _Injector(code, events, start, inner).code()


class _Injector:
    """Puts the body of a function there twice: to be observed, and as it was, for calls that do not matter.

    Each instruction has at most one handler of exceptions, so the one around all is spelled out as the handler
    of all that has no other. While a generator waits, exceptions come in from outside: a handler of its own
    notes that it goes on, and raises again into what would have handled it.
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
        self._excuses: list[tuple[Label, Label]] = []

    def code(self) -> CodeType:
        source: list[Any] = list(self._source)
        begin = 1 + next(
            index for index, item in enumerate(source) if getattr(item, "name", "") == "RESUME"
        )
        body = source[begin:]
        self._out += source[:begin]
        self._choose(_first_location(body, source[begin - 1]))
        self._observe(_copy(body))
        self._out.append(self._plain)
        self._out += [self._replaced(item) for item in body]
        self._add_handlers()
        return self._assembled()

    def _choose(self, location: Any) -> None:
        """Ask whether the call matters; the recursion limit is no reason to stop."""
        excuse = Label()
        self._cover(TryBegin(excuse, False, 0))
        self._call(self._start, 2, location, keeps_answer=True)
        self._close()
        self._out.append(Instr("POP_JUMP_FORWARD_IF_FALSE", self._plain, location=location))
        self._excuses.append((excuse, self._plain))

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
                    # Nothing else is on the stack then.
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
        """Return the places where something has been awaited: one can get there without waking up."""
        return {
            id(item.arg): item.location
            for item in source
            if isinstance(item, Instr) and item.name == "SEND"
        }

    def _wait(self, source: list[Any], index: int) -> int:
        """Add a wait, and what follows up to where it is over; return where to go on."""
        item = source[index]
        before = next(i for i in reversed(source[:index]) if isinstance(i, Instr))
        self._cover(self._try)
        is_loop = before.name == "SEND"
        if before.name != "ASYNC_GEN_WRAP":
            self._call(self._events.yield_, 3, item.location)
        if is_loop:
            # When an exception is thrown into what is awaited, and ends it, Python reads where to go on from the
            # instruction before this one.
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
                break  # the jump back to the loop's begin
        return index

    def _throw_handler(self) -> TryBegin:
        """Return the handler of what is thrown in, where the present one would handle it."""
        key = id(self._try.target) if self._try is not None else 0
        if key not in self._throws:
            self._throws[key] = (Label(), self._try)
        depth = self._try.stack_depth if self._try is not None else 0
        return TryBegin(self._throws[key][0], True, depth)

    def _cover(self, handler: TryBegin | None) -> None:
        """Let a handler handle what follows: that around all, if there is no other."""
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
        """Add a call of an event; the last of three arguments is on top of the stack, and stays there."""
        self._out += [
            Instr("PUSH_NULL", location=location),
            # What the event calls is asked for here, which takes half the time of a call of the event.
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
        """Add a call that may fail because of the recursion limit, which the function has not reached itself."""
        excuse, go_on = Label(), Label()
        self._cover(TryBegin(excuse, False, depth))
        self._call(event, n_arguments, location)
        self._close()
        self._out.append(go_on)
        self._excuses.append((excuse, go_on))

    def _add_handlers(self) -> None:
        for label, handler in self._throws.values():
            self._out.append(label)
            self._cover(handler)
            self._handle(self._events.throw)
        self._close()
        self._out.append(self._unwind)
        self._handle(self._events.unwind, 3)
        for excuse, go_on in self._excuses:
            self._excuse(excuse, go_on)

    def _handle(self, event: Callable[..., Any], depth: int | None = None) -> None:
        self._out.append(Instr("PUSH_EXC_INFO", location=_NOWHERE))
        if depth is None:
            self._call(event, 3, _NOWHERE)
        else:
            self._call_safely(event, 3, depth, _NOWHERE)
        # Raises again as if it had not been caught: no entry is added to the traceback.
        self._out += [
            Instr("SWAP", 2, location=_NOWHERE),
            Instr("POP_EXCEPT", location=_NOWHERE),
            Instr("RERAISE", 1, location=_NOWHERE),
        ]

    def _excuse(self, excuse: Label, go_on: Label) -> None:
        """Add what handles an exception of a call: the recursion limit is no reason to stop."""
        others = Label()
        self._out.append(excuse)
        # A signal may have raised when the call had been heard of: then its end must be, too.
        self._cover(None)
        self._out += [
            Instr("PUSH_EXC_INFO", location=_NOWHERE),
            Instr("LOAD_CONST", RecursionError, location=_NOWHERE),
            Instr("CHECK_EXC_MATCH", location=_NOWHERE),
            Instr("POP_JUMP_FORWARD_IF_FALSE", others, location=_NOWHERE),
            Instr("POP_TOP", location=_NOWHERE),
            Instr("POP_EXCEPT", location=_NOWHERE),
            Instr("JUMP_BACKWARD", go_on, location=_NOWHERE),
            others,
            Instr("SWAP", 2, location=_NOWHERE),
            Instr("POP_EXCEPT", location=_NOWHERE),
            Instr("RERAISE", 0, location=_NOWHERE),
        ]
        self._close()

    def _assembled(self) -> CodeType:
        result = Bytecode(self._out)
        result._copy_attr_from(self._source)
        # Variables keep their places.
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
    """Return where the body begins, so that no other line is seen than without us."""
    for item in body:
        if isinstance(item, Instr) and item.lineno is not None:
            return item.location
    return otherwise.location


def _copy(body: list[Any]) -> list[Any]:
    """Return the same instructions, with labels and handlers of their own."""
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

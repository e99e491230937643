"""Turn calls of targets into steps, with their target, arguments and answer."""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from pytest_obslake import leftout, steps, values
from pytest_obslake.isolation import private_modules
from pytest_obslake.iterations import LATER_CALLS
from pytest_obslake.later import LaterCall
from pytest_obslake.references import (
    ClassesUnderTest,
    find_constructor,
    is_class,
    name,
    qualified_name,
)
from pytest_obslake.sink import quote
from pytest_obslake.steps import LATER, SIMPLE, Call, Construction, Making
from pytest_obslake.targets import CONSTRUCTOR, MAKER
from pytest_obslake.watches import Bound

if TYPE_CHECKING:
    from pytest_obslake.attempts import Attempt
    from pytest_obslake.recorder import Recorder

_clock = time.perf_counter_ns
_new: Any = object.__new__
_KINDS: dict[int, type[Call]] = {SIMPLE: Call, **LATER_CALLS}


class Calls:
    """Creates the steps of calls."""

    def __init__(self, recorder: Recorder, classes: ClassesUnderTest) -> None:
        """Take the classes under test."""
        self._recorder = recorder
        self._classes = classes
        self._handlers = recorder.events.handlers
        self.plain = recorder.texts.plain

    def new(
        self, test: Attempt, bound: Bound, kind: int, variables: Mapping[str, Any]
    ) -> Call | None:
        """Return the step of a call, or None if its class only shares the method with a target."""
        subject, passed, keywords = bound.parameters.read(variables)
        operation_name = bound.target.name
        make = _KINDS[kind]
        made = None
        if bound.on is not None:
            on = bound.on
            step = next(test.steps)
        elif bound.is_on_object:
            if not self._classes.have_made(subject):
                return None
            step = next(test.steps)
            if bound.target.kind == CONSTRUCTOR:
                made = test.references.construct(subject, step)
            if made is None:
                references = test.references
                on = references.known_quoted(subject) or references.refer_quoted(subject, step)
            else:
                operation_name, on = name(type(subject)), quote(qualified_name(type(subject)))
        elif bound.target.kind == MAKER:
            # If the class also has a Python __init__, that is the constructor.
            if not self._makes(subject, bound):
                return None
            step = next(test.steps)
            operation_name, on = name(subject), quote(qualified_name(subject))
            make = Making if kind == SIMPLE else make
        else:
            step = next(test.steps)
            on = quote(qualified_name(subject)) if is_class(subject) else "null"
        inputs = self.inputs(test, step, passed, keywords) if passed or keywords else "[]"
        operation = bound.operation(operation_name, len(passed), keywords)
        if made is not None and kind == SIMPLE:
            return Construction(self._recorder, test, step, operation, on, inputs, made)
        return make(self._recorder, test, step, operation, on, inputs)

    def begin_bare(self, test: Attempt, operation: str, subject: object, frame: FrameType) -> bool:
        """Begin the step of a method without parameters, such as those of iterators; return whether it is a step.

        The code is inlined, because calling a function for each part takes as long as the parts.
        """
        on = test.references.known_quoted(subject)
        if on is None and not self._classes.have_made(subject):
            return False
        call: Call = _new(Call)
        call.recorder = self._recorder
        call.test = test
        call.step = step = next(test.steps)
        call.operation = operation
        call.target = on or test.references.refer_quoted(subject, step)
        call.inputs = "[]"
        call.is_done = False
        call.key = key = id(frame)
        call.began = call.clock = _clock()
        self._handlers[key] = call
        return True

    def _makes(self, cls: object, bound: Bound) -> bool:
        return (
            is_class(cls)
            and self._classes.include(cls)  # type: ignore[arg-type]
            and find_constructor(cls) is bound.function  # type: ignore[arg-type]
        )

    def inputs(
        self, test: Attempt, step: int, passed: list[Any], keywords: Mapping[str, Any]
    ) -> str:
        """Return the text of arguments, in order."""
        plain = self.plain
        texts = []
        for value in passed:
            texts.append(plain(value) or self.argument(test, value, step))
        for keyword, value in keywords.items():
            text = plain(value) or self.argument(test, value, step)
            texts.append(f'{{"$keyword":[{values.encode_value(str(keyword))},{text}]}}')
        return f"[{','.join(texts)}]"

    def argument(self, test: Attempt, value: object, step: int) -> str:
        """Return the text of an argument; if it is a target's generator or coroutine, its step begins first."""
        if id(type(value)) in LATER:
            self._begin_later(test, value)
        return self._recorder.texts.argument(test, value, step)

    def new_object(self, test: Attempt, value: object, step: int) -> str:
        """Return the text of the object that a constructor has returned."""
        made = self._classes.have_made(value) and test.references.construct(value, step)
        return made or self.response(test, value, step)

    def response(self, test: Attempt, value: object, step: int) -> str:
        """Return the text of a returned value."""
        return self.plain(value) or self.other_response(test, value, step)

    def other_response(self, test: Attempt, value: object, step: int) -> str:
        """Return the text of a returned value that is not plain."""
        if self._classes.have_made(value):
            return test.references.make(value, step)
        return self._recorder.texts.text(value)

    # -- generators and coroutines

    def follow(self, call: Call, later: Any) -> bool:
        """Let the generator or coroutine that a call has returned complete its step; return whether it can."""
        frame, code = steps.frame_and_code(later)
        if (
            frame is None
            or not steps.is_new(later)
            or self._is_followed(frame, later)
            or not self._recorder.watches.can_follow(code)
        ):
            self._recorder.left_out.add(leftout.NOT_FOLLOWED, call.operation.strip('"'))
            return False
        make = LATER_CALLS[steps.kind_of(code)]
        rest = make(self._recorder, call.test, call.step, call.operation, call.target, call.inputs)
        rest.duration_ns = call.duration_ns
        call.is_done = True
        rest.wait(frame, weakref.ref(later))
        rest.began = call.began
        return True

    def end_of_dead(self, frame: FrameType) -> None:
        """End the step of a generator that died without an event, and whose address a frame now has."""
        gone = self._recorder.events.handlers.get(id(frame))
        if isinstance(gone, LaterCall):
            gone.abandoned()

    def _begin_later(self, test: Attempt, later: Any) -> None:
        """Begin the step of a target's generator or coroutine that another target will advance."""
        frame, code = steps.frame_and_code(later)
        watch = self._recorder.watches.get(id(code))
        if watch is None or frame is None or not steps.is_new(later):
            return
        if self._is_followed(frame, later):
            return
        variables = dict(frame.f_locals)
        bound = watch.find(frame, variables)
        call = bound and self.new(test, bound, watch.kind, variables)
        if bound is not None and isinstance(call, LaterCall):
            bound.n_calls += 1
            call.wait(frame, weakref.ref(later))

    def _is_followed(self, frame: FrameType, later: Any) -> bool:
        """Return whether a new generator or coroutine is followed; end the step of a dead one at its address."""
        handler = self._recorder.events.handlers.get(id(frame))
        if not isinstance(handler, LaterCall):
            return False
        if handler.waits_for(later):
            return True
        handler.abandoned()
        return False


private_modules(globals())

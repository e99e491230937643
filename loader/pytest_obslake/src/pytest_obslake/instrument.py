"""Put a recorder in front of every callable under test, and take it away again.

A function written in Python keeps its identity: only its ``__code__`` is exchanged for a trampoline, so every
reference to it (``from module import function``, a parameter list, a subclass, a pickle) leads to the recorder,
and undoing it is one assignment. Its old code lives on in a copy of the function. What has no code of its own
(functions in C, `functools.lru_cache`) is replaced in the namespaces that refer to it.
"""

from __future__ import annotations

import functools
import sys
import threading
import warnings
from types import CodeType, FunctionType, ModuleType
from typing import Any, Callable

from pytest_obslake import iterators, references
from pytest_obslake.isolation import HIDDEN_FILE, pop_traceback
from pytest_obslake.references import is_class, mro, name, namespace, qualified_name
from pytest_obslake.targets import CONSTRUCTOR, FUNCTION, Target, Targets, is_cached

_MISSING: Any = object()

# -- the trampolines -------------------------------------------------------------------------------

# The texts in the first line of each are replaced by objects, because the code of a function sees only the
# globals of the module it belongs to. What is called by a target (depth >= skip) goes straight on. Every 32
# calls inside of each other make room for the frames that they add, so that the suite reaches the recursion
# limit where it would without a recorder.
_SYNCHRONOUS = """
    def trampoline(*args, **kwargs):
        (begin, original, error_type, pop, depth_of, skip, enter, leave, make_room) = (
            "begin", "original", "error_type", "pop", "depth_of", "skip", "enter", "leave", "make_room")
        if 0: FREE
        depth = depth_of()
        room = 0
        if depth & 31 == 16:
            room = 64 if depth == 16 else 32
            make_room(room)
        try:
            if depth >= skip:
                token = enter(depth + 1)
                try:
                    return original(*args, **kwargs)
                finally:
                    leave(token)
            call = begin(args, kwargs)
            if call is None:
                return original(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            except error_type as error:
                call.raised(error)
                raise
            return call.returned(result)
        except error_type as error:
            pop(error)
            raise
        finally:
            if room: make_room(-room)
"""

_ASYNCHRONOUS = """
    async def trampoline(*args, **kwargs):
        (begin, original, error_type, pop, depth_of, skip, drive) = (
            "begin", "original", "error_type", "pop", "depth_of", "skip", "drive")
        if 0: FREE
        call = begin(args, kwargs) if depth_of() < skip else None
        try:
            if call is None:
                return await original(*args, **kwargs)
            call.pause()
            result = await drive(original(*args, **kwargs))
        except error_type as error:
            if call is not None:
                call.raised(error)
            pop(error)
            raise
        return call.returned(result)
"""


@functools.cache
def _template(is_asynchronous: bool, n_free: int) -> CodeType:
    """Compile a trampoline that closes over as many variables as the function it stands in for."""
    names = [f"free{index}" for index in range(n_free)]
    body = (_ASYNCHRONOUS if is_asynchronous else _SYNCHRONOUS).replace(
        "FREE", ", ".join(names) or "0"
    )
    variables = f"    {' = '.join(names)} = None\n" if names else ""
    namespace: dict[str, Any] = {}
    source = f"def make():\n{variables}{body}\n    return trampoline\n"
    exec(compile(source, HIDDEN_FILE, "exec", dont_inherit=True), namespace)  # noqa: S102
    trampoline: FunctionType = namespace["make"]()
    return trampoline.__code__


def _fill(constant: Any, objects: dict[str, Any]) -> Any:
    if type(constant) is tuple:
        return tuple(_fill(part, objects) for part in constant)
    return objects.get(constant, constant) if type(constant) is str else constant


def _trampoline_code(
    original: Callable[..., Any], code: CodeType | None, begin: Callable[..., Any], skip: int
) -> CodeType:
    is_asynchronous = code is not None and bool(code.co_flags & 0x80)
    template = _template(is_asynchronous, len(code.co_freevars) if code is not None else 0)
    objects = {
        "begin": begin,
        "original": original,
        "error_type": BaseException,
        "pop": pop_traceback,
        "depth_of": iterators.DEPTH.get,
        "enter": iterators.DEPTH.set,
        "leave": iterators.DEPTH.reset,
        "skip": skip,
        "make_room": make_room,
        "drive": iterators.drive,
    }
    filled = template.replace(co_consts=_fill(template.co_consts, objects))
    if code is None:
        return filled
    filled = filled.replace(co_name=code.co_name)
    if sys.version_info >= (3, 11):
        filled = filled.replace(co_qualname=code.co_qualname)
    return filled


_room = threading.Lock()
_room_owed = 0


def make_room(frames: int) -> None:
    """Move the recursion limit by the frames that trampolines add to the stack."""
    global _room_owed
    with _room:
        try:
            sys.setrecursionlimit(sys.getrecursionlimit() + frames + _room_owed)
            _room_owed = 0
        except RecursionError:  # the stack is still too deep to lower it
            _room_owed += frames


def count_references_to_new(begin: Callable[..., Any]) -> None:
    """Call a trampoline once whose target returns a generator that nobody else refers to."""

    def make_generator() -> Any:
        return (index for index in range(0))

    original = _copy_function(make_generator)  # type: ignore[arg-type]
    target = Target(FUNCTION, "make_generator", original, None, "make_generator")
    make_generator.__code__ = _trampoline_code(
        original, original.__code__, begin(target, original), 1
    )
    make_generator()


# -- putting them in place -------------------------------------------------------------------------


class Instrumentation:
    """The trampolines of a session. `undo` takes them all away."""

    def __init__(
        self,
        targets: Targets,
        begin: Callable[[Target, Callable[..., Any]], Callable[..., Any]],
        skip: int,
    ) -> None:
        """Put trampolines in front of the targets.

        `begin` makes, of a target and what it did before, the function that trampolines call first; calls
        from a depth of `skip` targets on go straight on.
        """
        self._begin = begin
        self._skip = skip
        self._undo: list[Callable[[], None]] = []
        self._replaced: dict[int, tuple[Any, Any]] = {}
        for target in targets.callables:
            if isinstance(target.callable, FunctionType):
                self._exchange_code(target, target.callable)
            else:
                self._replace(target)
        for cls in targets.without_constructor:
            self._add_constructor(cls)
        self.exchange_references(self._replaced)

    def undo(self) -> None:
        """Restore everything, the last change first."""
        while self._undo:
            self._undo.pop()()
        self.exchange_references(
            {id(new): (new, original) for original, new in self._replaced.values()}
        )
        self._replaced = {}

    def replacement(self, value: Any) -> Any:
        """Return what stands in for a value, or the value itself."""
        original, new = self._replaced.get(id(value), (None, None))
        return new if original is value and new is not None else value

    def _exchange_code(self, target: Target, function: FunctionType) -> None:
        code = function.__code__
        attributes = dict(vars(function))
        original = _copy_function(function)
        begin = self._begin(target, original)
        _set_code(function, _trampoline_code(original, code, begin, self._skip))
        # As functools.wraps does: signature, source and documentation tests look behind the trampoline.
        function.__wrapped__ = original  # type: ignore[attr-defined]

        def undo() -> None:
            _set_code(function, code)
            if "__wrapped__" in attributes:
                function.__wrapped__ = attributes["__wrapped__"]  # type: ignore[attr-defined]
            else:
                vars(function).pop("__wrapped__", None)

        self._undo.append(undo)

    def _replace(self, target: Target) -> None:
        original = target.callable
        stand_in = self._stand_in(target, original)
        if target.owner is None:
            self._replaced[id(original)] = (original, stand_in)
        elif is_class(target.holder):
            self._set_attribute(target.holder, target.key, original, stand_in)

    def _stand_in(self, target: Target, original: Callable[..., Any]) -> FunctionType:
        code = _trampoline_code(original, None, self._begin(target, original), self._skip)
        stand_in = FunctionType(code, {"__builtins__": __builtins__}, target.name)
        functools.update_wrapper(stand_in, original)
        if is_cached(original):
            for attribute in ("cache_info", "cache_clear", "cache_parameters"):
                if hasattr(original, attribute):
                    setattr(stand_in, attribute, getattr(original, attribute))
        return stand_in

    def _add_constructor(self, cls: type) -> None:
        """Give a class an ``__init__`` that does what the one it inherits does."""
        inherited = _inherited_constructor(cls)
        target = Target(CONSTRUCTOR, "__init__", inherited, cls, "__init__", cls)
        constructor = self._stand_in(target, inherited)
        constructor.__qualname__ = f"{qualified_name(cls)}.__init__"
        constructor.__module__ = references.module(cls)
        self._set_attribute(cls, "__init__", _MISSING, constructor)

    def _set_attribute(self, cls: type, key: str, old: Any, new: Any) -> None:
        try:
            type.__setattr__(cls, key, new)
        except TypeError:  # a class written in C
            return

        def undo() -> None:
            if namespace(cls).get(key) is not new:
                return  # the suite has changed it since
            if old is _MISSING:
                type.__delattr__(cls, key)
            else:
                type.__setattr__(cls, key, old)

        self._undo.append(undo)

    @staticmethod
    def exchange_references(exchange: dict[int, tuple[Any, Any]]) -> None:
        """Replace objects (by id: the old one and the new one) in the globals of all modules."""
        if not exchange:
            return
        for module in list(sys.modules.values()):
            if not isinstance(module, ModuleType) or module.__name__.startswith("pytest_obslake"):
                continue
            namespace = vars(module)
            for key, value in list(namespace.items()):
                old, new = exchange.get(id(value), (None, None))
                if old is value and new is not None:
                    namespace[key] = new


def _set_code(function: FunctionType, code: CodeType) -> None:
    with warnings.catch_warnings():
        # A generator function gets the code of a plain one, which Python 3.13 warns of: called wrongly, the
        # function must raise at once, and its arguments must be seen before the first item is asked for.
        warnings.simplefilter("ignore", DeprecationWarning)
        function.__code__ = code


def _copy_function(function: FunctionType) -> FunctionType:
    copy = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = function.__module__
    copy.__doc__ = function.__doc__
    if sys.version_info < (3, 14):
        copy.__annotations__ = function.__annotations__
    else:
        copy.__annotate__ = function.__annotate__
    vars(copy).update(vars(function))
    return copy


def _inherited_constructor(cls: type) -> Callable[..., Any]:
    class_: Any = cls

    def __init__(self: Any, /, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        bases = mro(type(self))
        position = next(index for index, base in enumerate(bases) if base is cls)
        for base in bases[position + 1 :]:
            if "__init__" in namespace(base):
                break
        if id(base) != id(object):
            super(class_, self).__init__(*args, **kwargs)
        elif (args or kwargs) and id(type(self).__new__) == id(object.__new__):
            raise TypeError(f"{name(type(self))}() takes no arguments")

    __init__.__code__ = __init__.__code__.replace(co_filename=HIDDEN_FILE)
    try:
        import inspect

        signature = inspect.signature(cls)
        self_parameter = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        __init__.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[self_parameter, *signature.parameters.values()]
        )
    except Exception:  # noqa: S110 - it has none then, as many classes written in C
        pass
    return __init__

"""Find the functions, classes and methods that ``--obslake-target`` names."""

from __future__ import annotations

import enum
import functools
import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FunctionType, MethodType, ModuleType
from typing import Any, Callable

from pytest_obslake import leftout, references
from pytest_obslake.leftout import LeftOut
from pytest_obslake.references import (
    find_constructor,
    has_constructor,
    is_class,
    mro,
    namespace,
)
from pytest_obslake.references import name as name_of
from pytest_obslake.unwrapping import behind, is_c_function, is_cache

FUNCTION = "function"
METHOD = "method"
CONSTRUCTOR = "constructor"
CLASS_METHOD = "class method"
STATIC_METHOD = "static method"
PROPERTY = "property"
SETTER = "setter of a property"
DELETER = "deleter of a property"
MAKER = "constructor in __new__"
DESCRIPTOR = "descriptor"

_TAKES_MORE = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS

_OPERATORS = (
    "call len length_hint bool int float complex index str repr bytes format "
    "eq ne lt le gt ge contains iter next reversed getitem setitem delitem missing "
    "add radd iadd sub rsub isub mul rmul imul matmul rmatmul imatmul truediv rtruediv itruediv "
    "floordiv rfloordiv ifloordiv mod rmod imod divmod rdivmod pow rpow ipow "
    "lshift rlshift ilshift rshift rrshift irshift and rand iand or ror ior xor rxor ixor "
    "neg pos abs invert round trunc floor ceil "
    "enter exit aenter aexit aiter anext await copy deepcopy"
)

OPERATORS = frozenset(f"__{name}__" for name in _OPERATORS.split())
"""Special methods that are behaviour; the others (``__hash__``, ``__getattr__``, …) are how Python works."""


class TargetError(ValueError):
    """A target is misspelt, or cannot be imported."""


@dataclass(frozen=True)
class Target:
    """One function under test.

    `name` is what it is called; `key` the attribute of a class or the name in a module where it was found, and
    `owner` that class, or None.
    """

    kind: str
    name: str
    function: FunctionType
    key: str
    owner: type | None = None


@dataclass(frozen=True)
class StandIn:
    """What has no function in Python, but was named: it is replaced where modules refer to it."""

    name: str
    callable: Callable[..., Any]


@dataclass
class Targets:
    """Everything under test: functions, classes, caches in front of them, and what must be replaced.

    `getters` are the functions by which modules make up attributes that they do not have yet.
    """

    functions: list[Target] = field(default_factory=list)
    classes: list[type] = field(default_factory=list)
    caches: list[tuple[str, Any]] = field(default_factory=list)
    stand_ins: list[StandIn] = field(default_factory=list)
    getters: list[tuple[ModuleType, FunctionType]] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)

    def add(self, target: Target) -> None:
        """Add a function, which has one name only: the first."""
        self.functions.append(target)


def parse(text: str) -> tuple[str, tuple[str, ...]]:
    """Split ``package.module:name,Class.method`` into the module and the names; no names mean all."""
    module, colon, names = text.strip().partition(":")
    chosen = tuple(name.strip() for name in names.replace(":", ",").split(",") if name.strip())
    parts = [*module.split("."), *(part for name in chosen for part in name.split("."))]
    if (colon and not chosen) or not all(part.isidentifier() for part in parts):
        raise TargetError(
            f"--obslake-target={text}: write package.module, or package.module:name,Class,Class.method"
        )
    return module, chosen


def module_of(text: str) -> str:
    """Return the name of the module that a target names, without importing it."""
    return parse(text)[0]


def find(texts: list[str], import_module: Callable[[str], ModuleType] | None = None) -> Targets:
    """Import the modules and find what is under test. Raises TargetError."""
    found = Targets()
    for text in texts:
        module_name, names = parse(text)
        module, rest = _import(module_name, text, import_module or importlib.import_module)
        if rest:
            names = tuple(".".join((rest, name)) for name in names) or (rest,)
        for name in names:
            _add_named(found, module, name, text)
        if not names:
            _add_module(found, module)
    _keep_first_names(found)
    if not (found.functions or found.classes or found.stand_ins or found.getters):
        raise TargetError(f"--obslake-target={' '.join(texts)}: nothing public is defined there")
    return found


def find_again(texts: list[str]) -> Targets:
    """Find what is under test in the modules that are loaded by now, which imports nothing."""

    def loaded(name: str) -> ModuleType:
        module = sys.modules.get(name)
        if not isinstance(module, ModuleType):
            raise ModuleNotFoundError(name, name=name)
        return module

    found = Targets()
    for text in texts:
        try:
            again = find([text], loaded)
        except TargetError:
            continue  # it is away for now
        found.functions += again.functions
        found.classes += again.classes
        found.caches += again.caches
        found.getters += again.getters
    return found


def _keep_first_names(found: Targets) -> None:
    first: dict[int, Target] = {}
    for target in found.functions:
        other = first.setdefault(id(target.function), target)
        if target.name != other.name:
            found.left_out.add(leftout.OTHER_NAME, f"{full_name(target)} as {full_name(other)}")
    found.functions = list(first.values())
    found.classes = list({id(cls): cls for cls in found.classes}.values())
    found.caches = list({id(cache): (name, cache) for name, cache in found.caches}.values())
    for cls in found.classes:
        if _is_made(cls) and not has_constructor(cls):
            found.left_out.add(leftout.NO_CONSTRUCTOR, name_of(cls))


def full_name(target: Target) -> str:
    """Return ``Class.method`` or ``function``."""
    return target.name if target.owner is None else f"{name_of(target.owner)}.{target.name}"


def _import(
    module_name: str, text: str, import_module: Callable[[str], ModuleType]
) -> tuple[ModuleType, str]:
    """Import the module; the last part may also be an attribute of the module before it."""
    try:
        return import_module(module_name), ""
    except ModuleNotFoundError as error:
        parent, _, attribute = module_name.rpartition(".")
        if parent and error.name == module_name:
            try:
                module = import_module(parent)
            except ImportError:
                module = None
            if module is not None and hasattr(module, attribute):
                return module, attribute
        raise TargetError(f"--obslake-target={text}: {error}") from error
    except Exception as error:
        raise TargetError(
            f"--obslake-target={text}: importing it failed: {type(error).__name__}: {error}"
        ) from error


def _add_module(found: Targets, module: ModuleType) -> None:
    """Add the public functions and classes that a module shows and it, or a module below it, defines."""
    public = getattr(module, "__all__", None)
    getter = vars(module).get("__getattr__")
    if type(getter) is FunctionType:
        found.getters.append((module, getter))
    for name, value in list(vars(module).items()):
        if not (name.startswith("_") if public is None else name not in public):
            add_value(found, module, name, value)


def add_value(found: Targets, module: ModuleType, name: str, value: Any) -> None:
    """Add what a module shows under a name, if it or a module below it defines it."""
    if is_class(value):
        if _is_below(_module_name(value), module.__name__):
            _add_class(found, value)
    elif not isinstance(value, ModuleType):
        _add_function(found, module, name, value)


def _add_function(found: Targets, module: ModuleType, name: str, value: Any) -> None:
    hidden = behind(value, name)
    ours = [f for f in hidden.functions if _is_below(_module_name(f), module.__name__)]
    if type(value) is MethodType:
        if ours:
            found.left_out.add(leftout.BOUND, name)
    elif ours:
        for function in ours:
            found.add(Target(FUNCTION, name, function, name))
        found.caches += [(name, cache) for cache in hidden.caches]
    elif hidden.is_c and (
        type(value) is functools.partial or _is_below(_module_name(value), module.__name__)
    ):
        found.left_out.add(leftout.IN_C, name)


def _add_named(found: Targets, module: ModuleType, path: str, text: str) -> None:
    holder: Any = module
    *outer, name = path.split(".")
    try:
        for part in outer:
            holder = getattr(holder, part)
        value = getattr(holder, name)
    except AttributeError as error:
        raise TargetError(f"--obslake-target={text}: {error}") from error
    if is_class(holder):
        members = [target for base in mro(holder) for target in _members(found, base, {name})]
        if not members:
            raise TargetError(
                f"--obslake-target={text}: {path} is no method or property of Python code"
            )
        _add_members(found, holder, members)
    elif is_class(value):
        _add_class(found, value)
    elif is_cache(value) or is_c_function(value):
        found.stand_ins.append(StandIn(name, value))
        found.left_out.add(leftout.REPLACED, name)
    else:
        functions = behind(value, name).functions
        if not functions:
            raise TargetError(f"--obslake-target={text}: {path} is no function and no class")
        for function in functions:
            found.add(Target(FUNCTION, name, function, name))


def _add_class(found: Targets, cls: type) -> None:
    """Add the public methods that a class defines, and those of its bases in the same package."""
    package = _module_name(cls).partition(".")[0]
    members = [
        target
        for base in mro(cls)
        if _is_below(_module_name(base), package)
        for target in _members(found, base, None)
        if _is_below(_module_name(target.function), package)
        and not (target.key in OPERATORS and issubclass(cls, enum.Enum))
    ]
    _add_members(found, cls, members)


def _add_members(found: Targets, cls: type, members: list[Target]) -> None:
    found.classes.append(cls)
    constructor = find_constructor(cls)
    if constructor is not None and _is_made(cls):
        kind = MAKER if _is_maker(cls, constructor) else CONSTRUCTOR
        key = "__new__" if kind == MAKER else "__init__"
        found.add(Target(kind, key, constructor, key, cls))
    for target in members:
        found.add(target)


def _is_maker(cls: type, function: FunctionType) -> bool:
    for base in mro(cls):
        made = namespace(base).get("__new__")
        if made is not None:
            return (made.__func__ if type(made) is staticmethod else made) is function
    return False


def _is_made(cls: type) -> bool:
    is_protocol = namespace(cls).get("_is_protocol") is True
    return not issubclass(cls, enum.Enum) and not is_protocol


def _members(found: Targets, cls: type, chosen: set[str] | None) -> Iterator[Target]:
    """Return the public methods and properties of a class, or those chosen."""
    for key, value in list(namespace(cls).items()):
        if key in ("__init__", "__new__"):
            continue
        if (key not in chosen) if chosen else (key.startswith("_") and key not in OPERATORS):
            continue
        for kind, function, cache in _of_member(cls, key, value):
            if function is not None:
                yield Target(kind, key, function, key, cls)
            if cache is not None:
                found.caches.append((f"{name_of(cls)}.{key}", cache))
            if function is None and cache is None:
                found.left_out.add(leftout.IN_C, f"{name_of(cls)}.{key}")


def _of_member(
    cls: type, key: str, value: Any
) -> Iterator[tuple[str, FunctionType | None, Any | None]]:
    parts: list[tuple[str, Any]]
    if isinstance(value, property):
        parts = [(PROPERTY, value.fget), (SETTER, value.fset), (DELETER, value.fdel)]
    elif type(value) is classmethod or type(value) is staticmethod:
        parts = [(CLASS_METHOD if type(value) is classmethod else STATIC_METHOD, value.__func__)]
    elif type(value) is functools.cached_property:
        parts = [(PROPERTY, value.func)]
    elif type(value) in _METHODS or is_cache(value):
        parts = [(METHOD, value)]
    elif is_class(value) or isinstance(value, cls):
        parts = []
    else:
        # A function in an attribute of something else is the class's only where it is bound to its objects.
        is_descriptor = any("__get__" in namespace(base) for base in mro(type(value)))
        parts = [(DESCRIPTOR, value)] if is_descriptor else []
    for kind, part in parts:
        if part is None:
            continue
        hidden = behind(part, key)
        for function in hidden.functions:
            yield _kind(kind, function), function, None
        for cache in hidden.caches:
            yield kind, None, cache
        if hidden.is_c and not hidden.functions:
            yield kind, None, None


_METHODS = (
    FunctionType,
    functools.partialmethod,
    functools.singledispatchmethod,
)


def _kind(kind: str, function: FunctionType) -> str:
    """Return what a descriptor of somebody's own makes of a function: it may want more than the object."""
    if kind != DESCRIPTOR:
        return kind
    code = function.__code__
    wants_more = code.co_argcount > 1 or code.co_kwonlyargcount or code.co_flags & _TAKES_MORE
    return METHOD if wants_more else PROPERTY


def _is_below(module_name: str, package: str) -> bool:
    return module_name == package or module_name.startswith(package + ".")


def _module_name(value: object) -> str:
    if is_class(value):
        return references.module(value)  # type: ignore[arg-type]
    name = getattr(value, "__module__", None)
    return name if isinstance(name, str) else ""

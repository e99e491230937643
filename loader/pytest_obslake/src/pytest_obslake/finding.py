"""Find the functions, classes and methods that ``--obslake-target`` names."""

from __future__ import annotations

import functools
import importlib
import sys
from types import FunctionType, MethodType, ModuleType
from typing import Any, Callable

from pytest_obslake import leftout
from pytest_obslake.members import add_class, add_members, is_made, members
from pytest_obslake.references import has_constructor, is_class, mro
from pytest_obslake.references import name as name_of
from pytest_obslake.targets import (
    FUNCTION,
    StandIn,
    Target,
    TargetError,
    Targets,
    defined_in,
    full_name,
    is_below,
)
from pytest_obslake.unwrapping import behind, is_c_function, is_cache


def parse(text: str) -> tuple[str, tuple[str, ...]]:
    """Split ``package.module:name,Class.method`` into the module and the names; no names means all."""
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
    """Import the modules and find the targets. Raises TargetError."""
    found = Targets()
    chosen = []
    for text in texts:
        module_name, names = parse(text)
        module, rest = _import(module_name, text, import_module or importlib.import_module)
        if rest:
            names = tuple(".".join((rest, name)) for name in names) or (rest,)
        chosen.append((text, module, names))
    # First of all, because what is replaced is not observed as well.
    for text, module, names in chosen:
        for name in names:
            _add_stand_in(found, module, name, text)
    for text, module, names in chosen:
        for name in names:
            _add_named(found, module, name, text)
        if not names:
            _add_module(found, module)
    _keep_first_names(found)
    if not (found.functions or found.classes or found.stand_ins or found.getters):
        raise TargetError(f"--obslake-target={' '.join(texts)}: nothing public is defined there")
    return found


def find_again(texts: list[str]) -> Targets:
    """Find the targets in the modules that are loaded now, without importing any."""

    def loaded(name: str) -> ModuleType:
        module = sys.modules.get(name)
        if not isinstance(module, ModuleType):
            raise ModuleNotFoundError(name, name=name)
        return module

    present = []
    for text in texts:
        try:
            find([text], loaded)
        except TargetError:
            continue  # it is not loaded now
        present.append(text)
    return find(present, loaded) if present else Targets()


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
        if is_made(cls) and not has_constructor(cls):
            found.left_out.add(leftout.NO_CONSTRUCTOR, name_of(cls))


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
    """Add the public functions and classes of a module that are defined in it or in a module below it."""
    public = getattr(module, "__all__", None)
    getter = vars(module).get("__getattr__")
    if type(getter) is FunctionType:
        found.getters.append((module, getter))
    for name, value in list(vars(module).items()):
        if not (name.startswith("_") if public is None else name not in public):
            add_value(found, module, name, value)


def add_value(found: Targets, module: ModuleType, name: str, value: Any) -> None:
    """Add a named value of a module if it is defined in it or in a module below it."""
    if is_class(value):
        if is_below(defined_in(value), module.__name__):
            add_class(found, value)
    elif not isinstance(value, ModuleType):
        _add_function(found, module, name, value)


def _add_function(found: Targets, module: ModuleType, name: str, value: Any) -> None:
    if found.replaces(value):
        return
    hidden = behind(value, name)
    ours = [f for f in hidden.functions if is_below(defined_in(f), module.__name__)]
    if type(value) is MethodType:
        if ours:
            found.left_out.add(leftout.BOUND, name)
    elif ours:
        for function in ours:
            found.add(Target(FUNCTION, name, function, name))
        found.caches += [(name, cache) for cache in hidden.caches]
    elif hidden.is_c and (
        type(value) is functools.partial or is_below(defined_in(value), module.__name__)
    ):
        found.left_out.add(leftout.IN_C, name)


def _read(module: ModuleType, path: str, text: str) -> tuple[Any, str, Any]:
    """Return the holder of a named attribute, its name there, and its value."""
    holder: Any = module
    *outer, name = path.split(".")
    try:
        for part in outer:
            holder = getattr(holder, part)
        return holder, name, getattr(holder, name)
    except AttributeError as error:
        raise TargetError(f"--obslake-target={text}: {error}") from error


def _add_stand_in(found: Targets, module: ModuleType, path: str, text: str) -> None:
    """Add a named callable that must be replaced, because it has no Python body that always runs."""
    holder, name, value = _read(module, path, text)
    if is_class(holder) or not (is_cache(value) or is_c_function(value)) or found.replaces(value):
        return
    found.stand_ins.append(StandIn(name, value))
    found.left_out.add(leftout.REPLACED, name)


def _add_named(found: Targets, module: ModuleType, path: str, text: str) -> None:
    holder, name, value = _read(module, path, text)
    if is_class(holder):
        chosen = [target for base in mro(holder) for target in members(found, base, {name})]
        if not chosen:
            raise TargetError(
                f"--obslake-target={text}: {path} is not a method or property written in Python"
            )
        add_members(found, holder, chosen)
    elif is_class(value):
        add_class(found, value)
    elif not found.replaces(value):
        functions = behind(value, name).functions
        if not functions:
            raise TargetError(f"--obslake-target={text}: {path} is not a function or class")
        for function in functions:
            found.add(Target(FUNCTION, name, function, name))

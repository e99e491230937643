"""Find targets when the session starts, and when modules are loaded, reloaded or create attributes on demand."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Collection
from types import FrameType, FunctionType, ModuleType
from typing import Any, Callable

from pytest_obslake import leftout
from pytest_obslake.finding import add_value, find_again, module_of
from pytest_obslake.observing import Handler
from pytest_obslake.recorder import Recorder
from pytest_obslake.references import ClassesUnderTest, is_class, namespace
from pytest_obslake.standins import StandIns
from pytest_obslake.steps import makes_what_runs_later
from pytest_obslake.targets import Targets, full_name
from pytest_obslake.testcode import Tests
from pytest_obslake.unwrapping import behind

_modules = sys.modules
_NEEDS_PREPARATION = sys.version_info < (3, 12)


class Discovery:
    """The targets of a session. More are found while it runs."""

    def __init__(
        self,
        texts: list[str],
        found: Targets,
        classes: ClassesUnderTest,
        recorder: Recorder,
        tests: Tests,
        stand_ins: StandIns,
    ) -> None:
        """Observe or replace the targets, and observe functions that lead to more.

        Tests are not observed, or all their calls would be nested.
        """
        self._tests = tests
        self._stand_ins = stand_ins
        self._texts = texts
        self._names = sorted({module_of(text) for text in texts})
        self._packages = {name.partition(".")[0] for name in self._names}
        self._classes = classes
        self._recorder = recorder
        self._made_up: list[ModuleType] = []
        self._values: dict[tuple[str, str], Any] = {}
        self._caches: dict[int, tuple[str, Any, int]] = {}
        self._take_all(found)
        for loader in _loaders():
            recorder.watches.notice(loader, self._module_is_executed)
        self._watch_processes()
        self._state = self._look()

    def look_again(self) -> None:
        """Find more targets if modules were added, removed or replaced since the last time."""
        state = self._look()
        if state != self._state:
            self._state = state
            self._watch_processes()
            self._take_all(find_again(self._texts))

    def take_names(self, module: ModuleType) -> None:
        """Observe functions that a test module imported from a module that creates attributes on demand."""
        for name, value in list(vars(module).items()):
            for shown_by in self._made_up:
                if name in _public_names(shown_by) and name not in vars(shown_by):
                    self._take_value(shown_by, name, value)

    def count_hits(self) -> None:
        """Count the calls that caches have answered since the last time; clearing a cache loses its count."""
        for key, (name, cache, before) in self._caches.items():
            hits = _hits(cache)
            n = hits - before if hits >= before else hits
            if n:
                self._recorder.left_out.add(leftout.CACHED, name, n)
                self._caches[key] = (name, cache, hits)

    def close(self) -> None:
        """Count the calls that caches answered, and the targets without a call."""
        left_out = self._recorder.left_out
        self.count_hits()
        n_calls: dict[str, int] = {}
        for bound in self._recorder.watches.bounds:
            if bound.function.__code__ is not bound.code:
                left_out.add(leftout.EXCHANGED, full_name(bound.target))
            if bound.explains:
                continue
            name = full_name(bound.target)
            n_calls[name] = n_calls.get(name, 0) + bound.n_calls
        for name, n in n_calls.items():
            if not n:
                left_out.add(leftout.NO_CALL, name)

    def _look(self) -> tuple[int, ...]:
        return (len(_modules), *(id(_modules.get(name)) for name in self._names))

    def _take_all(self, found: Targets) -> None:
        self._take(found)
        self._stand_ins.replace(found.stand_ins)
        if _NEEDS_PREPARATION:
            self._recorder.watches.prepare(_functions_of(self._packages))

    def _take(self, found: Targets) -> None:
        self._tests.take_out_of(found)
        for cls in found.classes:
            self._classes.add(cls)
        self._recorder.watches.add(found.functions)
        if _NEEDS_PREPARATION:
            functions = [target.function for target in found.functions]
            self._recorder.watches.prepare(_functions_behind(functions))
        for name, cache in found.caches:
            if id(cache) not in self._caches:
                self._caches[id(cache)] = (name, cache, _hits(cache))
        for module, getter in found.getters:
            if module not in self._made_up:
                self._made_up.append(module)
            self._recorder.watches.notice(getter, self._attribute_is_made_up(module))

    def _take_value(self, module: ModuleType, name: str, value: Any) -> None:
        if self._values.get((module.__name__, name)) is value:
            return
        self._values[module.__name__, name] = value
        found = Targets()
        add_value(found, module, name, value)
        self._take(found)

    def _module_is_executed(self, frame: FrameType) -> None:
        name = getattr(frame.f_locals.get("module"), "__name__", "")
        if isinstance(name, str) and name.partition(".")[0] in self._packages:
            self._until_return(frame, lambda _: self._take_all(find_again(self._texts)))

    def _attribute_is_made_up(self, module: ModuleType) -> Callable[[FrameType], None]:
        def notice(frame: FrameType) -> None:
            code = frame.f_code
            name = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
            if isinstance(name, str) and not name.startswith("_"):
                self._until_return(frame, lambda value: self._take_value(module, name, value))

        return notice

    def _until_return(self, frame: FrameType, then: Callable[[Any], None]) -> None:
        self._recorder.events.follow(_Until(self._recorder, id(frame), then))

    def _watch_processes(self) -> None:
        notice = self._recorder.watches.notice
        notice(_function(subprocess.Popen, "__init__"), self._process_is_started)
        util = _modules.get("multiprocessing.util")
        if util is not None:
            notice(_function(util, "spawnv_passfds"), self._process_is_started)

    def _process_is_started(self, frame: FrameType) -> None:
        self._recorder.left_out.add(leftout.STARTED)


class _Until(Handler):
    """Runs a callback when a call that is not a step returns."""

    def __init__(self, recorder: Recorder, key: int, then: Callable[[Any], None]) -> None:
        super().__init__(key)
        self._recorder = recorder
        self._then = then

    def returned(self, code: Any, offset: Any, value: Any) -> None:
        self._recorder.events.forget(self.key)
        was_inside = self._recorder.events.enter()
        try:
            self._then(value)
        except Exception as error:
            self._recorder.note(error)
        finally:
            if not was_inside:
                self._recorder.events.leave()

    def unwound(self, code: Any, offset: Any, error: BaseException) -> None:
        self._recorder.events.forget(self.key)


def _functions_behind(targets: list[FunctionType]) -> list[FunctionType]:
    """Return the functions behind decorators whose generators and coroutines the targets may return."""
    found: dict[int, FunctionType] = {}
    pending: list[Any] = list(targets)
    seen = set()
    while pending:
        function = pending.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        found[id(function)] = function
        for inner in (
            vars(function).get("__wrapped__"),
            *map(_content, function.__closure__ or ()),
        ):
            pending += behind(inner, "").functions
    return [f for f in found.values() if makes_what_runs_later(f.__code__)]


def _functions_of(packages: set[str]) -> list[FunctionType]:
    """Return the functions of the packages under test that create generators and coroutines."""
    found: dict[int, FunctionType] = {}
    for name, module in list(_modules.items()):
        if name.partition(".")[0] not in packages or not isinstance(module, ModuleType):
            continue
        for value in list(vars(module).values()):
            values = list(namespace(value).values()) if is_class(value) else [value]
            for function in (f for v in values for f in behind(v, "").functions):
                if function.__module__ == name:
                    found[id(function)] = function
    return [f for f in found.values() if makes_what_runs_later(f.__code__)]


def _public_names(module: ModuleType) -> Collection[str]:
    """Return the names in a module's ``__all__``, including those that it creates on demand."""
    names = vars(module).get("__all__")
    return names if isinstance(names, (list, tuple)) else ()


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _loaders() -> list[FunctionType]:
    """Return the functions that execute Python modules, including pytest's."""
    loaders: list[Any] = [vars(importlib)["_bootstrap_external"]._LoaderBasics]
    rewrite = _modules.get("_pytest.assertion.rewrite")
    if rewrite is not None:
        loaders.append(rewrite.AssertionRewritingHook)
    found = (vars(loader).get("exec_module") for loader in loaders)
    return [function for function in found if type(function) is FunctionType]


def _function(holder: Any, name: str) -> FunctionType:
    function: FunctionType = vars(holder)[name]
    return function


def _hits(cache: Any) -> int:
    hits: int = cache.cache_info().hits
    return hits

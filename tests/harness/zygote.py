"""The process that imports everything and forks for each command: ``python -m tests.harness.zygote``.

A command needs no imports, and dbt gets the project already parsed; otherwise it does the same as the
program that users start. A request is one message on the socket that is standard input, with four file
descriptors: the command's standard input, output and error, and a socket that receives the command's
process id and, later, its exit status.

The command line selects the imports: ``obslake``, or ``pytest`` for suites that must not find modules of
obslake and dbt.
"""

from __future__ import annotations

import atexit
import faulthandler
import gc
import inspect
import itertools
import json
import os
import runpy
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.harness.extensions import trust_extensions
from tests.harness.projects import PROJECT, ParsedProjects, option_of
from tests.harness.quick_dbt import speed_up
from tests.harness.requests import MOST_BYTES, Point, Request

ENTRY_POINTS = {"obslake": ("obslake.cli.app", "main"), "dbt": ("dbt.cli.main", "cli")}

# Modules that commands import lazily.
_MODULES_OF_OBSLAKE = (
    "obslake.cli.app",
    "obslake.upkeep.compaction",
    "obslake.upkeep.expiry",
    "obslake.upkeep.forgetting",
    "obslake.load.loading",
    "obslake.query.ask",
    "obslake.load.retry",
    "obslake.upkeep.rollback",
    "obslake.upkeep.status",
    "obslake.load.sources.junit",
    "obslake.load.sources.lasso",
    "obslake.load.sources.observations",
    "obslake.load.sources.recording",
    "obslake.upkeep.verification.verify",
    "duckdb_extension_avro",
    "duckdb_extension_httpfs",
    "duckdb_extension_iceberg",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
)
_MODULES_OF_PYTEST = (
    "pytest",
    *(f"_pytest.{name}" for name in ("cacheprovider", "doctest", "faulthandler", "junitxml")),
    *(f"_pytest.{name}" for name in ("pastebin", "pytester_assertions", "setuponly", "setupplan")),
    *(f"_pytest.{name}" for name in ("skipping", "stepwise", "unittest", "unraisableexception")),
    "asyncio",
    "concurrent.futures.thread",
    "pygments.lexers.python",
    "unittest.mock",
)
MODULES = {"obslake": _MODULES_OF_OBSLAKE, "pytest": _MODULES_OF_PYTEST}

# Shorter than the users' timeout for a locked catalog, to keep tests short.
LOCK_TIMEOUT_SECONDS = 2


def main(kind: str) -> None:
    """Serve until all clients are gone."""
    for module in MODULES[kind]:
        import_module(module)
    if kind == "obslake":
        trust_extensions()
        _set("obslake.lakehouse.catalog_file:LOCK_TIMEOUT_SECONDS", LOCK_TIMEOUT_SECONDS)
    requests = socket.socket(fileno=0)
    # Do not wait for the processes that run commands.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    projects = ParsedProjects()
    while True:
        message, descriptors, *_ = socket.recv_fds(requests, MOST_BYTES, 4)
        if not message:
            return
        request = Request.decode(message)
        obj = projects.of(request)
        gc.freeze()
        if not os.fork():
            requests.close()
            _attend(request, descriptors, obj)
        for descriptor in descriptors:
            os.close(descriptor)


def _attend(request: Request, descriptors: Sequence[int], obj: dict[str, Any] | None) -> None:
    """Run a command in its own process, and report its exit status."""
    *standard, answers = descriptors
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    process = os.fork()
    if not process:
        os.close(answers)
        _run(request, standard, obj)
    os.write(answers, f"{process}\n".encode())
    _, status = os.waitpid(process, 0)
    os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(request: Request, standard: Sequence[int], obj: dict[str, Any] | None) -> None:
    """Run a command in this process, which ends with it."""
    status = 1
    try:
        os.setsid()
        # Background processes of a shell inherit that they ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, descriptor in enumerate(standard):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin = os.fdopen(0, closefd=False)
        faulthandler.enable()
        os.environ.clear()
        os.environ.update(request.environment)
        os.chdir(request.cwd)
        time.tzset()
        if catalog := sys.modules.get("pyiceberg.catalog"):
            # PyIceberg reads its settings when it is imported.
            catalog._ENV_CONFIG = type(catalog._ENV_CONFIG)()
        for target, value in request.settings.items():
            _set(target, value)
        for target in {point.target for point in request.points}:
            _wrap(target, request)
        if obj:
            speed_up(request.arguments, request.environment)
        status = call(request.program, request.arguments, obj)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(_ended(status))


def call(program: str, arguments: Sequence[str], obj: dict[str, Any] | None) -> int:
    """Run a program in this process; return its exit status."""
    try:
        if program == "-m":
            _look_for_modules_as_python()
            # Frames above the module must not count for suites that test the recursion limit.
            sys.setrecursionlimit(sys.getrecursionlimit() + _depth())
            sys.argv = list(arguments)
            runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
            return 0
        sys.argv = [program, *arguments]
        # Error messages name a program by its file, unless it is started as a module.
        sys.modules["__main__"].__package__ = None
        module, name = ENTRY_POINTS[program]
        command = getattr(import_module(module), name)
        if obj is None:
            command()
        elif program == "dbt":
            command(obj=obj)
        else:
            _give_to_dbt(obj)
            command()
    except SystemExit as error:
        if isinstance(error.code, int):
            return error.code
        if error.code is not None:
            print(error.code, file=sys.stderr)
        return int(error.code is not None)
    return 0


def _give_to_dbt(obj: dict[str, Any]) -> None:
    """Give the parsed project to dbt when another command calls it in this process for the same project."""
    cli = import_module("dbt.cli.main").cli
    main = cli.main

    def main_with(arguments: list[str], **options: Any) -> Any:
        is_same = Path(option_of(arguments, "--project-dir")).resolve() == PROJECT
        return main(arguments, **options, **({"obj": obj} if is_same else {}))

    cli.main = main_with


def _look_for_modules_as_python() -> None:
    """Set the module search path as ``python -m`` does in this folder with these variables."""
    named = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [os.getcwd(), *named, *_PATH_OF_PYTHON]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]


def _depth() -> int:
    """Return the number of additional frames above a module here, compared with ``python -m``."""
    depth, frame = 0, sys._getframe().f_back
    while frame:
        depth, frame = depth + 1, frame.f_back
    # Here three frames of runpy follow; with ``python -m`` there are two.
    return depth + 3 - 2


def _path_of_python() -> list[str]:
    """Return the module search path without this process's own folder and PYTHONPATH."""
    named = [os.getcwd(), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return [folder for folder in sys.path if folder not in named]


def _ended(status: int) -> int:
    """Do Python's shutdown at the end of a program; return the exit status."""
    for end in (threading._shutdown, atexit._run_exitfuncs, sys.stderr.flush):  # type: ignore[attr-defined]
        with suppress(BaseException):
            end()
    try:
        sys.stdout.flush()
    except OSError:
        # Python's exit status if standard output is closed.
        return 120
    return status


def _wrap(target: str, request: Request) -> None:
    """Make a function act before and after its calls."""
    owner, name = _find(target)
    function: Callable[..., Any] = getattr(owner, name)
    calls = itertools.count(1)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        call = next(calls)
        _act(Point(target, "before", call), request)
        result = function(*arguments, **options)
        _act(Point(target, "after", call), request)
        return result

    is_static = isinstance(inspect.getattr_static(owner, name), staticmethod)
    setattr(owner, name, staticmethod(wrapped) if is_static else wrapped)


def _set(target: str, value: object) -> None:
    """Set a name of a module, which must have it: a name that was moved would no longer be read."""
    owner, name = _find(target)
    getattr(owner, name)
    setattr(owner, name, value)


def _find(target: str) -> tuple[Any, str]:
    module, path = target.split(":")
    owner: Any = import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    return owner, name


def _act(point: Point, request: Request) -> None:
    if request.action == "trace":
        with Path(request.note).open("a") as trace:
            values = {"target": point.target, "when": point.when, "call": point.call}
            trace.write(json.dumps(values) + "\n")
    elif point not in request.points:
        return
    elif request.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        Path(request.note).touch()
        while Path(request.note).exists():
            time.sleep(0.001)


_PATH_OF_PYTHON = _path_of_python()

if __name__ == "__main__":
    main(sys.argv[1])

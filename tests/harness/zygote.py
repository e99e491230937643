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
import hashlib
import inspect
import itertools
import json
import os
import runpy
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.harness.extensions import trust_extensions
from tests.harness.quick_dbt import is_quiet, keep_templates, skip_debug_events
from tests.harness.requests import MOST_BYTES, Point, Request

PROJECT = Path(__file__).parent.parent.parent
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
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
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
_MODULES_OF_DBT = ("dbt.cli.main", "dbt.adapters.duckdb", "obslake.dbt_plugin")

# Shorter than the users' timeout for a locked catalog, to keep tests short.
LOCK_TIMEOUT_SECONDS = 2

# Selects the snapshot to read, and does not change the parsed project.
_AS_OF = "as_of_snapshot"
# Commands that parse the project themselves, or need none.
_UNPARSED = {"parse", "deps", "debug", "clean", "init"}


def main(kind: str) -> None:
    """Serve until all clients are gone."""
    for module in MODULES[kind]:
        import_module(module)
    if kind == "obslake":
        trust_extensions()
        import_module("obslake.lakehouse.catalog")._LOCK_TIMEOUT_SECONDS = LOCK_TIMEOUT_SECONDS
    requests = socket.socket(fileno=0)
    # Do not wait for the processes that run commands.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    projects = ParsedProjects()
    while True:
        message, descriptors, *_ = socket.recv_fds(requests, MOST_BYTES, 4)
        if not message:
            return
        request = Request.decode(message)
        obj = projects.of(request) if request.program == "dbt" else None
        gc.freeze()
        if not os.fork():
            requests.close()
            _attend(request, descriptors, obj)
        for descriptor in descriptors:
            os.close(descriptor)


class ParsedProjects:
    """The project in this folder, parsed once for each set of variables."""

    def __init__(self) -> None:
        self._manifests: dict[tuple[str, ...], Any] = {}

    def of(self, request: Request) -> dict[str, Any] | None:
        """Return the context object for dbt's command line, or None if dbt must parse by itself."""
        if "dbt.cli.main" not in sys.modules:
            for module in _MODULES_OF_DBT:
                import_module(module)
            _track_resources()
        options = list(request.arguments)
        command = next((each for each in options if not each.startswith("-")), "")
        if Path(request.cwd).resolve() != PROJECT or command in _UNPARSED or not command:
            return None
        if "--project-dir" in options or "--profiles-dir" in options:
            return None
        variables = _option(options, "--vars")
        if variables and variables.lstrip("{ '\"").startswith(_AS_OF):
            variables = ""
        target = _option(options, "--target")
        if target not in ("", "duckdb"):
            return None
        key = (variables,)
        if key not in self._manifests:
            self._manifests[key] = _parse(["--vars", variables] if variables else [])
            if self._manifests[key]:
                keep_templates(self._manifests[key])
        manifest = self._manifests[key]
        return {"manifest": manifest, "callbacks": []} if manifest else None


def _track_resources() -> None:
    """Start the process that removes leftover locks of killed commands, once for all commands.

    Its messages on standard error are discarded.
    """
    from multiprocessing.resource_tracker import ensure_running

    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        ensure_running()
    os.dup2(kept, 2)
    os.close(kept)


def _option(arguments: Sequence[str], name: str) -> str:
    """Return the value of an option, in either of its two forms; empty if it is missing."""
    for n, argument in enumerate(arguments):
        if argument == name:
            return arguments[n + 1] if n + 1 < len(arguments) else ""
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return ""


def _parse(options: Sequence[str]) -> Any:
    """Return the manifest of the project, or None if it cannot be parsed; the command then reports the error.

    The result is cached for the next process that finds the same files.
    """
    from dbt.cli.exceptions import DbtUsageException
    from dbt.cli.main import dbtRunner
    from dbt.version import __version__

    options_hash = hashlib.sha256(json.dumps([__version__, *options]).encode()).hexdigest()[:16]
    kept = PROJECT / ".pytest_cache" / "dbt" / f"{options_hash}-{_hash_of_project()}.msgpack"
    with tempfile.TemporaryDirectory() as folder:
        parsed = Path(folder) / "partial_parse.msgpack"
        with suppress(FileNotFoundError):
            shutil.copyfile(kept, parsed)
        variables = dict(os.environ)
        # No lakehouse is opened; a fixed path, because dbt parses again if it changes.
        os.environ["OBSLAKE_HOME"] = "/nowhere/lake"
        paths = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        paths += ["--target-path", folder, "--log-path", folder, "--log-level-file", "none"]
        # The static parser starts threads, which do not exist in forked processes: commands that parse by
        # themselves would wait for them forever.
        paths += ["--no-static-parser"]
        try:
            manifest = dbtRunner().invoke(["parse", "--quiet", "--no-write-json", *paths, *options])
        finally:
            os.environ.clear()
            os.environ.update(variables)
        if isinstance(manifest.exception, DbtUsageException):
            # The error is in the options used here, not in the project.
            raise manifest.exception
        if manifest.result and not kept.exists():
            _keep(parsed, kept, f"{options_hash}-*")
    return manifest.result


def _hash_of_project() -> str:
    """Return a hash of all files of the project."""
    names = ("*.yml", "macros/**/*", "models/**/*", "seeds/**/*", "analyses/**/*", "tests/dbt/**/*")
    files = {path for name in names for path in PROJECT.glob(name) if path.is_file()}
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(hashlib.sha256(f"{path}\0".encode() + path.read_bytes()).digest())
    return found.hexdigest()[:32]


def _keep(file: Path, kept: Path, earlier: str) -> None:
    """Replace earlier cached files by a new one, even if other processes do the same."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    for other in kept.parent.glob(earlier):
        other.unlink(missing_ok=True)
    copy = kept.with_suffix(f".{os.getpid()}")
    shutil.copyfile(file, copy)
    copy.replace(kept)


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
            owner, name = _find(target)
            setattr(owner, name, value)
        for target in {point.target for point in request.points}:
            _wrap(target, request)
        if obj and is_quiet(request.arguments, request.environment):
            skip_debug_events()
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
        else:
            command(obj=obj)
    except SystemExit as error:
        if isinstance(error.code, int):
            return error.code
        if error.code is not None:
            print(error.code, file=sys.stderr)
        return int(error.code is not None)
    return 0


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

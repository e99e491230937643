"""The process that has imported everything and forks one for each command: ``python -m tests.harness.zygote``.

A command costs what it does and no imports, and dbt gets the project as it was parsed once. What a command
does is what the program does that users start. A request is one message on the socket that is standard
input, with four file descriptors: the command's standard input, output and error, and a socket that gets
the command's process id and, later, its exit status.
"""

import gc
import inspect
import itertools
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.harness.requests import Point, Request

PROJECT = Path(__file__).parent.parent.parent
ENTRY_POINTS = {"obslake": ("obslake.cli", "main"), "dbt": ("dbt.cli.main", "cli")}

# Commands import these when they need them.
_MODULES = (
    "obslake.cli",
    "obslake.compaction",
    "obslake.expiry",
    "obslake.forgetting",
    "obslake.loading",
    "obslake.query",
    "obslake.retrying",
    "obslake.rollback",
    "obslake.status",
    "obslake.sources.junit",
    "obslake.sources.lasso",
    "obslake.sources.native",
    "obslake.sources.recording",
    "obslake.verification.verify",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
)
_MODULES_OF_DBT = ("dbt.cli.main", "dbt.adapters.duckdb", "obslake.dbt_plugin")

# Users wait longer for a catalog that is locked than tests can.
LOCK_TIMEOUT_SECONDS = 2

# What only says from which snapshot to read: the project is parsed the same.
_AS_OF = "as_of_snapshot"
# These read the project themselves, or need none.
_UNPARSED = {"parse", "deps", "debug", "clean", "init"}
_MOST_BYTES = 1 << 20


def main() -> None:
    """Serve until nobody is left who could ask."""
    for module in _MODULES:
        import_module(module)
    import_module("obslake.lakehouse")._LOCK_TIMEOUT_SECONDS = LOCK_TIMEOUT_SECONDS
    requests = socket.socket(fileno=0)
    # Whoever runs a command for a test is not waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    projects = ParsedProjects()
    while True:
        message, descriptors, *_ = socket.recv_fds(requests, _MOST_BYTES, 4)
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
    """The project of this folder, parsed once for each set of variables."""

    def __init__(self) -> None:
        self._manifests: dict[tuple[str, ...], Any] = {}

    def of(self, request: Request) -> dict[str, Any] | None:
        """Return what dbt's command line is given as its context; None where it parses by itself."""
        for module in _MODULES_OF_DBT:
            import_module(module)
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
        manifest = self._manifests[key]
        return {"manifest": manifest, "callbacks": []} if manifest else None


def _option(arguments: Sequence[str], name: str) -> str:
    """Return the value of an option, which may be written in two ways; empty where it is not there."""
    for n, argument in enumerate(arguments):
        if argument == name:
            return arguments[n + 1] if n + 1 < len(arguments) else ""
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return ""


def _parse(options: Sequence[str]) -> Any:
    """Return the manifest of the project; None where it cannot be parsed, which the command then says itself."""
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as folder:
        kept = dict(os.environ)
        os.environ["OBSLAKE_HOME"] = f"{folder}/lake"
        paths = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        paths += ["--target-path", f"{folder}/target", "--log-path", f"{folder}/logs"]
        quiet = ["--no-write-json", "--no-partial-parse", "--log-level-file", "none"]
        try:
            return dbtRunner().invoke(["--quiet", "parse", *paths, *quiet, *options]).result
        finally:
            os.environ.clear()
            os.environ.update(kept)


def _attend(request: Request, descriptors: Sequence[int], obj: dict[str, Any] | None) -> None:
    """Run a command in a process of its own, and say how it ends."""
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
        # Those that run in the background of a shell inherit that they ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, descriptor in enumerate(standard):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin = os.fdopen(0, closefd=False)
        os.environ.clear()
        os.environ.update(request.environment)
        os.chdir(request.cwd)
        time.tzset()
        # Else the command line names this module in what it says of its usage.
        sys.modules["__main__"].__package__ = ""
        # PyIceberg reads its settings when it is imported.
        catalog = import_module("pyiceberg.catalog")
        catalog._ENV_CONFIG = type(catalog._ENV_CONFIG)()
        for target in {point.target for point in request.points}:
            _wrap(target, request)
        status = _call(request.program, request.arguments, obj)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _call(program: str, arguments: Sequence[str], obj: dict[str, Any] | None) -> int:
    """Run a program in this process; return its exit status."""
    try:
        if program == "-m":
            sys.argv = list(arguments)
            runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
            return 0
        sys.argv = [program, *arguments]
        module, name = ENTRY_POINTS[program]
        command = getattr(import_module(module), name)
        if obj is None:
            command()
        else:
            command(obj=obj)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 0


def _wrap(target: str, request: Request) -> None:
    """Let a function act before and after its calls."""
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
            time.sleep(0.01)


if __name__ == "__main__":
    main()

"""Runs commands in processes that end themselves at named points: ``python -m tests.faults.driver``.

It imports everything once and then forks, so that a command costs what it does and no imports. Requests
come as lines of JSON on standard input; the answers are the id of the process and, later, its status.
"""

import inspect
import itertools
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from obslake import lakehouse

from tests.forks import LOCK_TIMEOUT_SECONDS, PRELOADED, PRELOADED_FOR_DBT, call, redirect

Action = Literal["kill", "pause", "trace"]


@dataclass(frozen=True)
class Point:
    """A moment in a command: before or after the n-th call of a function.

    Attributes:
        target: the function, as ``module:name`` or ``module:Class.name``.
        when: ``before`` or ``after``.
        call: which call of it, from 1.
    """

    target: str
    when: Literal["before", "after"]
    call: int

    def __str__(self) -> str:
        name = self.target.rpartition(":")[2].rpartition(".")[2]
        return f"{self.when} {name} {self.call}"


@dataclass(frozen=True)
class Request:
    """A command to run.

    Attributes:
        program: ``obslake`` or ``dbt``.
        arguments: of the program.
        output: gets what it prints; what it prints on standard error is in a file ``.err`` beside it.
        action: what to do at the points.
        points: where.
        note: file that a trace is written to, or that exists while the command pauses.
    """

    program: str
    arguments: tuple[str, ...]
    output: str
    action: Action = "kill"
    points: tuple[Point, ...] = ()
    note: str = ""

    def encode(self) -> str:
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def decode(cls, line: str) -> "Request":
        values = json.loads(line)
        points = tuple(Point(**point) for point in values.pop("points"))
        return cls(points=points, arguments=tuple(values.pop("arguments")), **values)


def main() -> None:
    """Serve until standard input ends."""
    modules = PRELOADED + (PRELOADED_FOR_DBT if "dbt" in sys.argv[1:] else ())
    for module in modules:
        import_module(module)
    lakehouse._LOCK_TIMEOUT_SECONDS = LOCK_TIMEOUT_SECONDS
    _answer({"ready": True})
    # Not as an iterator, which reads ahead.
    while line := sys.stdin.readline():
        request = Request.decode(line)
        if not (process := os.fork()):
            _run(request)
        _answer({"process": process})
        _, status = os.waitpid(process, 0)
        _answer({"status": os.waitstatus_to_exitcode(status)})


def _answer(what: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _run(request: Request) -> None:
    """Run a command in this process, which ends with it."""
    status = 1
    try:
        os.setsid()
        redirect(Path(os.devnull), Path(request.output), Path(f"{request.output}.err"))
        for target in {point.target for point in request.points}:
            _wrap(target, request)
        status = call(request.program, request.arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


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
            trace.write(json.dumps(asdict(point)) + "\n")
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

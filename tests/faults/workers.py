"""Processes that run commands of obslake one after the other: starting Python is paid once for many of them."""

import io
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

from obslake import commits
from obslake.cli import main

PROJECT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Done:
    """What a command has ended with, and how often it had to commit anew."""

    arguments: tuple[str, ...]
    status: int
    out: str
    err: str
    conflicts: int


class Worker:
    """A process of its own, to which commands are given as to the command line."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.workers"],
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Done:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(arguments), file=self._process.stdin, flush=True)
        return Done(arguments, **json.loads(self._process.stdout.readline()))

    def end(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(120)


def serve() -> None:
    """Run what is asked for on standard input, and answer on standard output."""
    conflicts = 0
    failed = commits._Attempt._failed

    def counted(attempt: commits._Attempt, error: Exception) -> bool:
        nonlocal conflicts
        conflicts += 1
        return failed(attempt, error)

    commits._Attempt._failed = counted  # type: ignore[method-assign]
    for line in sys.stdin:
        conflicts, status = 0, 0
        sys.argv = ["obslake", *json.loads(line)]
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            try:
                main()
            except SystemExit as end:
                status = int(end.code or 0)
            except BaseException:
                status = -1
                traceback.print_exc()
        answer = {"status": status, "out": out.getvalue(), "err": err.getvalue()}
        print(json.dumps({**answer, "conflicts": conflicts}), flush=True)


if __name__ == "__main__":
    serve()

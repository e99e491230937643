"""Runs commands in forked processes: to their end, in parallel, or up to a point at which they are killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.harness.requests import Action, Point, Request

PROJECT = Path(__file__).parent.parent.parent

# Longer than any command of a test takes: a command that takes longer hangs.
_LONGEST_SECONDS = 1200


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Attributes:
        status: its exit status; negative: the signal that killed it.
        out: its standard output.
        err: its standard error.
        seconds: its duration.
    """

    status: int
    out: str
    err: str
    seconds: float

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Running:
    """A running command.

    Attributes:
        pid: id of its process and of its process group.
    """

    def __init__(
        self, answers: socket.socket, out: IO[bytes] | None, err: IO[bytes] | None
    ) -> None:
        answers.settimeout(_LONGEST_SECONDS)
        self._answers = answers.makefile()
        answers.close()
        self._out = out
        self._err = err
        self._began = time.monotonic()
        self.pid = int(self._answers.readline())

    def is_running(self) -> bool:
        """Whether its process exists."""
        return Path(f"/proc/{self.pid}").exists()

    def wait_until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Wait for a condition, which must become true before the command ends."""
        deadline = time.monotonic() + seconds
        while True:
            is_running = self.is_running()
            if condition():
                return
            assert is_running, f"ended early: {self.wait()}"
            assert time.monotonic() < deadline, "it has not become true"
            time.sleep(0.005)

    def send(self, number: int) -> None:
        """Send a signal to it and its children, if it has not ended."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            # It does not lead its own group yet, or has ended.
            if self.is_running():
                os.kill(self.pid, number)

    def wait(self) -> Ended:
        """Wait for its end; abort one that hangs, and report where it was."""
        try:
            status = self._answers.readline()
        except TimeoutError:
            # Python then prints the stack of each thread.
            self.send(signal.SIGABRT)
            time.sleep(1)
            self.send(signal.SIGKILL)
            raise AssertionError(f"it hangs: {_all(self._out)}{_all(self._err)}") from None
        seconds = time.monotonic() - self._began
        self._answers.close()
        assert status, "the process that forks commands has ended"
        return Ended(int(status), _all(self._out), _all(self._err), seconds)


def _new_file() -> IO[bytes]:
    return tempfile.TemporaryFile()


def _all(file: IO[bytes] | None) -> str:
    if file is None:
        return ""
    with file:
        file.seek(0)
        return file.read().decode(errors="replace")


class Commands:
    """Runs ``obslake``, ``dbt`` and Python modules, also in parallel."""

    def __init__(
        self,
        *,
        module: str = "tests.harness.zygote",
        within: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        kind: str = "obslake",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """The first command starts the forking process.

        Args:
            module: module that serves requests: the forking process, or another one.
            within: command in which the forking process runs.
            environment: default environment variables of commands.
            kind: imports of the forking process: those of ``obslake`` or those of ``pytest``.
            variables: variables of the forking process, which Python reads at its start.
        """
        self._module = module
        self._within = tuple(within)
        self._environment = dict(environment or {})
        self._kind = kind
        self._variables = dict(variables or {})
        self._lock = threading.Lock()
        self._zygote: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None
        self._pause: Path | None = None

    def close(self) -> None:
        """End the forking process."""
        with self._lock:
            if self._zygote and self._requests:
                self._requests.close()
                self._zygote.wait(timeout=60)
            self._zygote = self._requests = None

    def start(
        self,
        program: str,
        *arguments: object,
        cwd: Path = PROJECT,
        environment: Mapping[str, str] | None = None,
        stdin: bytes | int = b"",
        stdout: int | None = None,
        merged: bool = False,
        action: Action = "kill",
        points: tuple[Point, ...] = (),
        note: Path | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Running:
        """Start a command.

        Args:
            program: ``obslake``, ``dbt``, or ``-m`` for a Python module.
            arguments: of the program.
            cwd: the folder it runs in.
            environment: all of its variables [default: those of this process].
            stdin: its standard input, or a descriptor.
            stdout: descriptor of its standard output [default: returned at its end].
            merged: redirect its standard error to its standard output.
            action: action at the points.
            points: points of the action.
            note: the file of a trace or of a pause.
            settings: values of names in modules, by ``module:name``.
        """
        variables = {**os.environ, **self._environment} if environment is None else environment
        request = Request(
            program,
            tuple(map(str, arguments)),
            str(cwd),
            dict(variables),
            action,
            points,
            str(note or ""),
            settings or {},
        )
        # The files are open until the command ends.
        out = _new_file() if stdout is None else None
        err = None if merged else _new_file()
        with _new_file() as given:
            if isinstance(stdin, bytes):
                given.write(stdin)
                given.seek(0)
            ours, theirs = socket.socketpair()
            with theirs:
                read = given.fileno() if isinstance(stdin, bytes) else stdin
                printed = out.fileno() if out else stdout
                assert printed is not None
                failed = err.fileno() if err else printed
                descriptors = [read, printed, failed, theirs.fileno()]
                socket.send_fds(self._started(), [request.encode()], descriptors)
        return Running(ours, out, err)

    def run(
        self,
        program: str,
        *arguments: object,
        kill_at: Point | None = None,
        kill_after: float | None = None,
        cwd: Path = PROJECT,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Ended:
        """Run a command to its end, or kill it at a point or after some seconds."""
        points = (kill_at,) if kill_at else ()
        running = self.start(
            program, *arguments, cwd=cwd, environment=environment, stdin=stdin, points=points
        )
        if kill_after is not None:
            # Its id is not reused until its exit status is read.
            deadline = running._began + kill_after
            while running.is_running() and (left := deadline - time.monotonic()) > 0:
                time.sleep(min(left, 0.005))
            running.send(signal.SIGKILL)
        return running.wait()

    def trace(
        self,
        targets: Sequence[str],
        program: str,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[Ended, list[Point]]:
        """Run a command to its end; return the points it reached, in order."""
        points = tuple(Point(target, "before", 1) for target in targets)
        with tempfile.NamedTemporaryFile() as note:
            ended = self.start(
                program,
                *arguments,
                environment=environment,
                action="trace",
                points=points,
                note=Path(note.name),
            ).wait()
            return ended, [Point(**json.loads(line)) for line in note.read().splitlines()]

    def run_with_pause(
        self, program: str, *arguments: object, at: Point, action: Callable[[], object]
    ) -> tuple[Ended, bool]:
        """Run a command, and do something while it waits at a point; return whether it reached the point."""
        with tempfile.TemporaryDirectory() as folder:
            self._pause = note = Path(folder) / "note"
            running = self.start(program, *arguments, action="pause", points=(at,), note=note)
            while not note.exists() and running.is_running():
                time.sleep(0.01)
            came = note.exists()
            if came:
                action()
            self.go_on()
            return running.wait(), came

    def go_on(self) -> None:
        """Let the command that waits at a point continue."""
        if self._pause:
            self._pause.unlink(missing_ok=True)

    def _started(self) -> socket.socket:
        with self._lock:
            if self._requests is None:
                self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with theirs:
                    self._zygote = subprocess.Popen(
                        [*self._within, sys.executable, "-m", self._module, self._kind],
                        cwd=PROJECT,
                        env={**os.environ, **self._variables},
                        stdin=theirs,
                        stdout=subprocess.DEVNULL,
                    )
            return self._requests

"""Starts commands through the driver, and kills them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import PROJECT
from tests.faults.driver import Action, Point, Request


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Attributes:
        status: its exit status; negative: the signal that killed it.
        out: what it printed.
        err: what it printed on standard error.
        seconds: how long it took.
    """

    status: int
    out: str
    err: str
    seconds: float

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Processes:
    """The driver, and the commands that it runs, one at a time."""

    def __init__(
        self,
        folder: Path,
        *preload: str,
        within: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the driver.

        Args:
            folder: gets what the commands print.
            preload: ``dbt``, where that is run.
            within: a command that runs the driver.
            environment: variables for the driver and its commands.
        """
        self._output = folder / "output"
        self._note = folder / "note"
        self._driver = subprocess.Popen(
            [*within, sys.executable, "-m", "tests.faults.driver", *preload],
            cwd=PROJECT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == {"ready": True}

    def close(self) -> None:
        """End the driver."""
        assert self._driver.stdin
        self._driver.stdin.close()
        self._driver.wait(timeout=60)

    def run(
        self,
        *command: object,
        kill_at: Point | None = None,
        kill_after: float | None = None,
    ) -> Ended:
        """Run a command to its end, or until a point or a number of seconds at which it is killed."""
        points = (kill_at,) if kill_at else ()
        return self._run(command, "kill", points, lambda process: _kill(process, kill_after))

    def trace(self, targets: Sequence[str], *command: object) -> list[Point]:
        """Run a command to its end; return the points that it came to, in their order."""
        self._note.write_text("")
        points = tuple(Point(target, "before", 1) for target in targets)
        ended = self._run(command, "trace", points)
        assert ended.status in (0, 3), ended.err
        return [Point(**json.loads(line)) for line in self._note.read_text().splitlines()]

    def run_with_pause(
        self, *command: object, at: Point, action: Callable[[], object]
    ) -> tuple[Ended, bool]:
        """Run a command, and do something while it waits at a point; say whether it came there."""
        came: list[bool] = []

        def wait(process: int) -> None:
            while not self._note.exists():
                if not Path(f"/proc/{process}").exists():
                    return
                time.sleep(0.01)
            came.append(True)
            action()
            self.go_on()

        self._note.unlink(missing_ok=True)
        ended = self._run(command, "pause", (at,), wait)
        return ended, bool(came)

    def go_on(self) -> None:
        """Let the command that waits go on."""
        self._note.unlink(missing_ok=True)

    def _run(
        self,
        command: Sequence[object],
        action: Action,
        points: tuple[Point, ...],
        meanwhile: Callable[[int], object] | None = None,
    ) -> Ended:
        program, *arguments = map(str, command)
        request = Request(
            program, tuple(arguments), str(self._output), action, points, str(self._note)
        )
        assert self._driver.stdin
        began = time.monotonic()
        self._driver.stdin.write(request.encode())
        self._driver.stdin.flush()
        process = self._answer()["process"]
        # The driver reaps the process, so its id stays its own until the answer is read.
        watcher = threading.Thread(target=meanwhile, args=(process,)) if meanwhile else None
        if watcher:
            watcher.start()
        status = self._answer()["status"]
        seconds = time.monotonic() - began
        if watcher:
            watcher.join()
        errors = Path(f"{self._output}.err").read_text(errors="replace")
        return Ended(status, self._output.read_text(errors="replace"), errors, seconds)

    def _answer(self) -> dict[str, Any]:
        assert self._driver.stdout
        line = self._driver.stdout.readline()
        assert line, "the driver has ended"
        return dict(json.loads(line))


def _kill(process: int, after: float | None) -> None:
    """Kill the group of a process some seconds after its start, if it is still there then."""
    if after is None:
        return
    deadline = time.monotonic() + after
    while (left := deadline - time.monotonic()) > 0:
        if not Path(f"/proc/{process}").exists():
            return
        time.sleep(min(left, 0.005))
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        # It has ended, or has not become a group of its own yet.
        if Path(f"/proc/{process}").exists():
            os.kill(process, signal.SIGKILL)

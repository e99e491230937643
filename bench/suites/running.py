"""Run a suite: without the recorder, with it, or with the second tracer."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.suites.catalogue import Suite, SuiteError
from bench.suites.places import INSIDE, Places

_STATUS_OF_TIMEOUT = 124


@dataclass(frozen=True)
class Run:
    """One run of a suite.

    Attributes:
        exit_status: exit status of the process.
        cpu_seconds: user and system time of the process and its children.
        outcomes: the output of `suite_probe.outcomes`, or None if the process ended before writing it.
        printed: the end of the standard output and error.
    """

    exit_status: int
    cpu_seconds: float
    outcomes: dict[str, Any] | None
    printed: str
    by_test: dict[str, list[list[str]]] = field(default_factory=dict)

    @property
    def n_tests(self) -> int:
        """The number of tests with a report."""
        return len(self.by_test)

    @property
    def n_warnings(self) -> int:
        """The number of warnings that pytest counted."""
        return len(self.outcomes["warnings"]) if self.outcomes else 0


class Runner:
    """Runs one suite in its own environment."""

    def __init__(self, suite: Suite, places: Places, constraints: Sequence[str]) -> None:
        """Prepare the suite and its environment. Raises SuiteError."""
        self.suite = suite
        self._folder = places.run_folder(suite)
        self._source = places.source(suite)
        self._python = places.interpreter(suite, constraints)
        self._folder.mkdir(parents=True, exist_ok=True)
        # Copied as if installed: Hypothesis collects constants from modules outside site-packages.
        self._plugins = self._folder / "site-packages"
        shutil.rmtree(self._plugins, ignore_errors=True)
        for folder in (INSIDE, places.recorder / "src", places.recorder_packages()):
            if folder is None:
                continue
            shutil.copytree(
                folder,
                self._plugins,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
            )

    @property
    def records(self) -> Path:
        """File of the plugin's records."""
        return self._folder / "records.jsonl"

    @property
    def trace(self) -> Path:
        """File of the second tracer's records."""
        return self._folder / "trace.jsonl"

    def without(self) -> Run:
        """Run the suite without the recorder."""
        return self._run("without", [])

    def with_recorder(self, *options: str) -> Run:
        """Run it with the recorder."""
        self.records.unlink(missing_ok=True)
        targets = [f"--obslake-target={target}" for target in self.suite.targets]
        recording = ["-p", "pytest_obslake.plugin", f"--obslake={self.records}", *targets]
        return self._run("with", [*recording, *options])

    def with_tracer(self) -> Run:
        """Run it with the second tracer."""
        self.trace.unlink(missing_ok=True)
        targets = [f"--suite-trace-target={target}" for target in self.suite.targets]
        return self._run(
            "traced", ["-p", "suite_probe.tracer", f"--suite-trace={self.trace}", *targets]
        )

    def _run(self, kind: str, plugins: Sequence[str]) -> Run:
        tree = self._folder / "tree"
        for stale in (tree, self._folder / "tmp"):
            shutil.rmtree(stale, ignore_errors=True)
        shutil.copytree(self._source, tree, symlinks=True)
        file = self._folder / f"{kind}.json"
        file.unlink(missing_ok=True)
        command = [
            os.fspath(self._python),
            *("-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider"),
            *("-p", "suite_probe.outcomes", f"--suite-outcomes={file}"),
            f"--basetemp={self._folder / 'tmp'}",
            *plugins,
            *self.suite.pytest_arguments(),
        ]
        status, seconds, printed = _measure(command, tree, self._environment(), self.suite.seconds)
        (self._folder / f"{kind}.log").write_text(printed, encoding="utf-8")
        outcomes = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
        by_test: dict[str, list[list[str]]] = {}
        for node_id, *report in outcomes["reports"] if outcomes else ():
            by_test.setdefault(node_id, []).append(report)
        return Run(status, seconds, outcomes, printed[-2000:], by_test)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join([os.fspath(self._python.parent), os.environ["PATH"]]),
            "HOME": os.fspath(self._folder),
            "PYTHONPATH": os.fspath(self._plugins),
            "PYTHONHASHSEED": "0",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            **self.suite.environment,
        }


def _measure(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float
) -> tuple[int, float, str]:
    """Run a program to its end or its time limit; return exit status, CPU time and output."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + seconds
        try:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            while not ended and time.monotonic() < deadline:
                time.sleep(0.02)
                ended, status, used = os.wait4(process.pid, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status) if ended else _STATUS_OF_TIMEOUT
        finally:
            # Also kills children that the suite left behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if not ended:
            _, _, used = os.wait4(process.pid, 0)
        process.returncode = code
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    return code, used.ru_utime + used.ru_stime, text


def base_version(python: str) -> str:
    """Return the version of an interpreter. Raises SuiteError."""
    try:
        done = subprocess.run(
            [python, "-c", "import platform; print(platform.python_version())"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise SuiteError(f"{python} cannot be run: {error}") from error
    return done.stdout.strip() or sys.version

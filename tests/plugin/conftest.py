"""A test suite in its own folder, run with and without the recorder."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.commands import Commands

SOURCE = Path(__file__).parent.parent.parent / "loader" / "pytest_obslake" / "src"
_VARIABLES = ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "JENKINS_URL", "PYTEST_ADDOPTS")
_HASH_SEED = {"PYTHONHASHSEED": "0"}

# One process that has imported pytest, but none of the code under test, forks for all suites.
_PYTESTS = Commands(kind="pytest", variables=_HASH_SEED)


class Suite:
    """A module `subject` under test, and its tests.

    Attributes:
        is_started: whether to start a new Python, as a user's shell does, instead of forking.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_started = False
        self.environment: dict[str, str] = {}
        self.plugins: list[str] = []
        self.exit_code = 0
        self.output = ""

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        # Python takes a compiled file for current if the source has the same size and second of change.
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()

    def run(self, *arguments: str) -> str:
        """Run pytest, and return its output."""
        environment = {key: value for key, value in os.environ.items() if key not in _VARIABLES}
        environment.update(
            PYTHONPATH=self.environment.get("PYTHONPATH", str(SOURCE)),
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
            GIT_CEILING_DIRECTORIES=str(self.folder.parent),
            **_HASH_SEED,
            **{k: v for k, v in self.environment.items() if k != "PYTHONPATH"},
        )
        plugins = [f"-p{name}" for name in ("pytest_obslake.plugin", *self.plugins)]
        command = ["-m", "pytest", "-p", "no:cacheprovider", *plugins, *arguments]
        if self.is_started:
            done = subprocess.run(
                [sys.executable, *command],
                cwd=self.folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            self.exit_code = done.returncode
            self.output = done.stdout.decode()
        else:
            running = _PYTESTS.start(
                *command, cwd=self.folder, environment=environment, merged=True
            )
            ended = running.wait()
            self.exit_code, self.output = ended.status, ended.out
        return self.output

    def record(self, *arguments: str, target: str = "subject") -> list[dict]:
        """Run pytest with the recorder, and return the calls in the order of their steps."""
        self.run("--obslake=records.jsonl", f"--obslake-target={target}", *arguments)
        return self.calls()

    def records(self, kind: str, file: str = "records.jsonl") -> list[dict]:
        data = (self.folder / file).read_bytes()
        lines = (gzip.decompress(data) if file.endswith(".gz") else data).decode().splitlines()
        assert json.loads(lines[0])["record"] == "session"
        return [record for record in map(json.loads, lines) if record["record"] == kind]

    def calls(self, file: str = "records.jsonl") -> list[dict]:
        calls = self.records("call", file)
        tests = list(dict.fromkeys(record["test_id"] for record in self.records("start", file)))
        return sorted(
            calls, key=lambda call: (tests.index(call["test_id"]), call["attempt"], call["step_id"])
        )

    def left_out(self, reason: str) -> dict:
        """The count and names that the last record gives for a reason of leaving out."""
        (end,) = self.records("end")
        found = {left["reason"]: left for left in end["left_out"]}
        return {key: found[reason][key] for key in ("count", "names")} if reason in found else {}

    def outcome(self, *arguments: str) -> tuple[int, str]:
        """Run pytest, and return exit status and outcomes, which must not depend on the recorder."""
        output = self.run(*arguments)
        output = re.sub(r"(?m)^obslake: .*\n", "", output)
        output = re.sub(r" in [0-9.]+s( \([0-9:]+\))?", "", output)
        output = re.sub(r"(?m)^=+ (.*) =+$", r"\1", output)
        return self.exit_code, re.sub(r"0x[0-9a-f]+", "0x", output)

    def assert_same_outcome(self, *arguments: str, target: str = "subject") -> list[dict]:
        """Check that pytest has the same outcome with and without the recorder; return the calls."""
        without = self.outcome(*arguments)
        recording = ("--obslake=records.jsonl", f"--obslake-target={target}")
        assert self.outcome(*recording, *arguments) == without
        return self.calls()


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


def steps(calls: list[dict]) -> list[tuple]:
    """Operation, target, inputs and output of each call."""
    return [(call["operation"], call["target"], call["inputs"], call["output"]) for call in calls]

"""The pytest hooks of a recording session."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_obslake import __version__, context
from pytest_obslake.attempts import Attempt, now
from pytest_obslake.discovery import Discovery
from pytest_obslake.drawing import Drawing
from pytest_obslake.finding import find, module_of
from pytest_obslake.process import ProcessNames
from pytest_obslake.recorder import Recorder
from pytest_obslake.references import ClassesUnderTest
from pytest_obslake.sink import Sink
from pytest_obslake.standins import StandIns
from pytest_obslake.targets import TargetError, Targets
from pytest_obslake.testcode import Tests


@dataclass(frozen=True)
class Settings:
    """The options of a session. Missing values are detected when the session starts."""

    file: Path
    targets: list[str]
    run_id: str
    pipeline: context.Pipeline | None
    worker: str | None = None
    nested: bool = False
    max_bytes: int = 0
    problem: str | None = None
    data_set: str | None = None
    implementation: str | None = None
    lineage: str | None = None
    revision: str | None = None
    environment: str | None = None

    def session_record(self, root: Path, found: Targets) -> dict[str, Any]:
        """Return the first record of the file; requires that the targets are imported."""
        subject = context.subject(module_of(self.targets[0]))
        pipeline = self.pipeline
        attributes = {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "pytest": pytest.__version__,
            "targets": " ".join(self.targets),
        }
        if found.left_out:
            attributes["left_out"] = found.left_out.text()
        if pipeline is not None:
            attributes["ci"] = pipeline.service
        if self.worker is not None:
            attributes["worker"] = self.worker
        return {
            "record": "session",
            "format": 1,
            "tool": f"pytest-obslake {__version__}",
            "data_set_id": self.data_set,
            "problem_id": self.problem or module_of(self.targets[0]),
            "implementation_id": self.implementation or self._implementation(subject),
            "system": subject.system,
            "lineage": self.lineage or subject.system,
            "revision": self.revision or subject.revision,
            "environment_id": self.environment or context.environment(),
            "run_id": self.run_id,
            "started_at": now(),
            "git_commit": (pipeline and pipeline.commit) or context.commit(root),
            "git_branch": (pipeline and pipeline.branch) or context.branch(root),
            "pipeline": pipeline.pipeline if pipeline else None,
            "attributes": attributes,
        }

    def _implementation(self, subject: context.Subject) -> str:
        return context.Subject(subject.system, self.revision or subject.revision).implementation


class RecordingSession:
    """Records the tests of one process."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        """Do nothing until the tests are collected."""
        self._config = config
        self._settings = settings
        self._recorder: Recorder | None = None
        self._discovery: Discovery | None = None
        self._drawing: Drawing | None = None
        self._stand_ins: StandIns | None = None
        self._attempt: Attempt | None = None
        self._outcome = Outcome()
        self._problem: str | None = None
        self._started_at = time.time()

    # -- the session

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Start recording once the test modules have imported the targets."""
        if self._config.getoption("collectonly") or not session.items or session.testsfailed:
            return
        try:
            self._start(session, find(self._settings.targets))
        except TargetError as error:
            raise pytest.UsageError(str(error)) from None
        except Exception as error:  # the suite runs without recording
            self._problem = f"recording could not start: {type(error).__name__}: {error}"
            self.finish()

    def _start(self, session: pytest.Session, found: Targets) -> None:
        settings = self._settings
        classes = ClassesUnderTest(found.classes)
        self._recorder = recorder = Recorder(
            Sink(settings.file), classes, settings.max_bytes, settings.nested
        )
        recorder.left_out = found.left_out
        recorder.sink.write(settings.session_record(Path(self._config.rootpath), found))
        self._stand_ins = StandIns(recorder)
        self._discovery = Discovery(
            settings.targets, found, classes, recorder, Tests(session.items), self._stand_ins
        )
        self._drawing = Drawing(recorder, classes)
        recorder.names = ProcessNames(self._started_at, self._config.getoption("basetemp", None))
        for item in session.items:
            parameters = getattr(getattr(item, "callspec", None), "params", None)
            if isinstance(parameters, dict):
                for key, value in parameters.items():
                    parameters[key] = self._stand_ins.replacement(value)
        for module in {id(m): m for m in map(_module_of_item, session.items) if m}.values():
            self._discovery.take_names(module)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Restore the targets, and close the file."""
        self.finish()
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["obslake"] = self.report().as_dict()

    def pytest_unconfigure(self) -> None:
        """Restore the targets if the session has ended in another way."""
        self.finish()

    def finish(self) -> None:
        """Restore everything; may be called more than once."""
        discovery, self._discovery = self._discovery, None
        if self._stand_ins is not None:
            self._stand_ins.undo()
        recorder = self._recorder
        if recorder is None or discovery is None:
            return
        self._end_steps(recorder)
        self._end_attempt()
        discovery.close()
        recorder.write_end(self._drawing.record() if self._drawing is not None else {})
        recorder.close()

    def report(self) -> Report:
        """Return the report of this process."""
        recorder = self._recorder
        problems = [self._problem] if self._problem else []
        if recorder is None:
            return Report(str(self._settings.file), 0, 0, problems, [])
        problems += [f"{text} ({count} times)" for text, count in recorder.failures.items()]
        if recorder.sink.failure is not None:
            problems.append(f"{recorder.sink.failure} ({recorder.sink.n_lost} records lost)")
        if recorder.sink.fate is not None:
            problems.append(recorder.sink.fate)
        return Report(
            str(self._settings.file),
            recorder.sink.n_calls,
            recorder.n_tests,
            problems,
            recorder.left_out.lines(),
            self._drawing.lines() if self._drawing is not None else [],
        )

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Report what was recorded, and what could not be."""
        if self._recorder is not None or self._problem:
            self.report().show(terminalreporter)

    # -- the tests

    # These hooks are not wrappers, because wrappers are visible in tracebacks.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Start an attempt; fixtures belong to the test during which they run."""
        if self._recorder is not None:
            self._end_attempt()
            if self._discovery is not None:
                self._discovery.look_again()
                self._discovery.count_hits()
            self._attempt = self._recorder.start_test(item.nodeid)
            if self._drawing is not None:
                self._drawing.start(self._attempt, item)
            self._outcome = Outcome(*item.location[:2])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[Any]) -> None:
        """End the steps after the last phase."""
        if call.when == "teardown" and self._recorder is not None:
            self._end_steps(self._recorder)

    def _end_steps(self, recorder: Recorder) -> None:
        if self._drawing is not None:
            self._drawing.end()
        recorder.end_steps()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Store the outcome of a phase, and write the attempt's record after the last phase."""
        if self._attempt is None or report.nodeid != self._attempt.test_id:
            return
        self._outcome.add(report)
        if report.when == "teardown" or report.outcome == "rerun":
            self._end_attempt()

    def _end_attempt(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None and self._recorder is not None:
            outcome = self._outcome
            self._recorder.end_test(
                attempt, outcome.word, outcome.seconds, outcome.file, outcome.line
            )


def _module_of_item(item: Any) -> ModuleType | None:
    module = getattr(item, "module", None)
    return module if isinstance(module, ModuleType) else None


class Outcome:
    """The outcome of an attempt, from the reports of its phases."""

    def __init__(self, file: str = "", line: int | None = None) -> None:
        """Start without reports."""
        self.file = file
        self.line = line
        self.seconds = 0.0
        self._words: list[str] = []

    @property
    def word(self) -> str:
        """The outcome of the attempt; an interrupted attempt is an error."""
        ranking = ("rerun", "failed", "error", "xfailed", "xpassed", "skipped", "passed")
        return next((word for word in ranking if word in self._words), "error")

    def add(self, report: Any) -> None:
        """Add the report of a phase."""
        self.seconds += getattr(report, "duration", 0.0)
        word = report.outcome
        if hasattr(report, "wasxfail") and word in ("skipped", "passed"):
            word = "xfailed" if word == "skipped" else "xpassed"
        elif word == "failed" and report.when != "call":
            word = "error"
        if not (word == "passed" and report.when != "call"):
            self._words.append(word)


@dataclass
class Report:
    """The report of one process."""

    file: str
    n_calls: int
    n_tests: int
    problems: list[str]
    left_out: list[str]
    remarks: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, which a worker can send."""
        return vars(self)

    def show(self, terminalreporter: Any) -> None:
        """Write a summary line, and a line for each problem and remark."""
        terminalreporter.write_line(
            f"obslake: {self.n_calls} calls in {self.n_tests} tests recorded in {self.file}"
        )
        for problem in self.problems:
            terminalreporter.write_line(
                f"obslake: not everything was recorded: {problem}", yellow=True
            )
        for text in self.left_out:
            terminalreporter.write_line(f"obslake: left out: {text}")
        for text in self.remarks:
            terminalreporter.write_line(f"obslake: {text}")


class ControllingSession:
    """Gives the workers of pytest-xdist, which do the recording, a common run, and shows their reports."""

    def __init__(self, run_id: str) -> None:
        """Take the id of the run."""
        self._run_id = run_id
        self._reports: list[Report] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send the id of the run to a worker."""
        node.workerinput["obslake_run"] = self._run_id

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Receive the report of a worker."""
        output = (getattr(node, "workeroutput", None) or {}).get("obslake")
        if output:
            self._reports.append(Report(**output))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the reports, file by file."""
        for report in sorted(self._reports, key=lambda report: report.file):
            report.show(terminalreporter)

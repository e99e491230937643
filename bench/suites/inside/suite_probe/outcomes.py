"""A pytest plugin that writes the outcomes of a session: every report, every warning, the exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

_VARYING_TEXTS = (
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0x…"),
    (re.compile(r"\b\d+\.\d+ ?(s|ms|seconds)\b"), "… s"),
    (re.compile(r"(?<!\d)\d\d:\d\d:\d\d(\.\d+)?"), "…:…:…"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.addoption("--suite-outcomes", metavar="FILE", help="file for the outcomes")


def pytest_configure(config: pytest.Config) -> None:
    """Write the outcomes, if the option is given."""
    file = config.getoption("--suite-outcomes")
    if file:
        config.pluginmanager.register(Outcomes(Path(file)), "suite-outcomes")


class Outcomes:
    """The outcomes of the session so far."""

    def __init__(self, file: Path) -> None:
        """Start without outcomes."""
        self._file = file
        self._reports: list[list[Any]] = []
        self._warnings: list[list[Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the outcome of a phase of a test or subtest."""
        context = getattr(report, "context", None)
        sections = [title + "\n" + text for title, text in report.sections]
        self._reports.append(
            [
                steady(report.nodeid),
                f"{report.when} {steady(repr(context))}" if context is not None else report.when,
                _word(report),
                _reason(report),
                steady("\n".join([report.longreprtext, *sections])),
            ]
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the modules that failed to be collected or were skipped."""
        if report.outcome != "passed":
            self._reports.append(
                [
                    report.nodeid,
                    "collect",
                    report.outcome,
                    _reason(report),
                    steady(report.longreprtext),
                ]
            )

    def pytest_warning_recorded(
        self, warning_message: Any, when: str, nodeid: str, location: object
    ) -> None:
        """Keep a warning and its location."""
        text = str(warning_message.message).partition("\n")[0]
        self._warnings.append(
            [
                nodeid,
                when,
                warning_message.category.__name__,
                steady(text),
                f"{warning_message.filename}:{warning_message.lineno}",
            ]
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the outcomes."""
        outcomes = {
            "exit_status": int(exitstatus),
            "reports": self._reports,
            "warnings": self._warnings,
        }
        self._file.write_text(json.dumps(outcomes), encoding="utf-8")


def steady(text: str) -> str:
    """Return a text without the parts that differ in every run: addresses, durations and times."""
    for pattern, replacement in _VARYING_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def _word(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return {"skipped": "xfailed", "passed": "xpassed"}.get(report.outcome, report.outcome)
    return report.outcome


def _reason(report: Any) -> str:
    """Return the first line of the message."""
    if getattr(report, "wasxfail", ""):
        return steady(str(report.wasxfail))
    longrepr = report.longrepr
    if isinstance(longrepr, tuple):
        text = longrepr[2]
    else:
        crash = getattr(longrepr, "reprcrash", None)
        text = crash.message if crash is not None else str(longrepr or "")
    return steady(text.strip().partition("\n")[0])

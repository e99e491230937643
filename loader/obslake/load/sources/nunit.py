"""NUnit 3 test reports."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from obslake.load.sources.report_contents import (
    LONGEST_WORD,
    Naming,
    Place,
    Result,
    Sink,
    known_name,
    shorten_text,
)
from obslake.load.sources.report_formats import Element, Report
from obslake.load.sources.status_words import UNKNOWN, verdict_of


@dataclass
class _Fixture:
    """An NUnit suite."""

    name: str | None
    attributes: Mapping[str, str]
    start: str | None
    message: str | None = None
    n_faults: int = 0


class NUnitReport(Report):
    """NUnit 3: each case is nested in suites for its assembly, namespace, fixture and method."""

    format = "nunit"
    records = frozenset({"test-case", "property"})
    outside = frozenset({"failure", "reason"})
    ignored = frozenset({"output", "properties", "stack-trace", "attachments", "assertions"})

    _OUTCOMES: Mapping[str, str] = {"warning": "passed"}
    _ERRORS = ("Error", "Invalid", "Cancelled")
    _PLACES: Mapping[str, Place] = {"SetUp": "setup", "TearDown": "teardown"}

    def __init__(self, sink: Sink, naming: Naming) -> None:
        """Start outside all suites."""
        super().__init__(sink, naming)
        self._suites: list[_Fixture] = []

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin a suite."""
        if name in ("test-run", "test-suite"):
            start = attributes.get("start-time") or (
                self._suites[-1].start if self._suites else None
            )
            known = known_name(attributes.get("fullname") or attributes.get("name"))
            self._suites.append(_Fixture(known, attributes, start))

    def leave(self, name: str) -> None:
        """End a suite, and record its own failure."""
        if name not in ("test-run", "test-suite"):
            return
        suite = self._suites.pop()
        if name == "test-suite" and self._failed_itself(suite):
            suite.n_faults += 1
            self._outside(suite)
        if self._suites:
            self._suites[-1].n_faults += suite.n_faults

    def _failed_itself(self, suite: _Fixture) -> bool:
        """Return whether a suite failed for another reason than its contents."""
        if verdict_of(suite.attributes.get("result", "")) in (None, "passed", "skipped"):
            return False
        site = suite.attributes.get("site")
        return site in self._PLACES or (site not in ("Child", "Parent") and not suite.n_faults)

    def _outside(self, suite: _Fixture) -> None:
        is_assembly = suite.attributes.get("type") == "Assembly"
        of = suite.attributes.get("classname") or suite.name or ""
        self.add_outside(
            self._PLACES.get(suite.attributes.get("site", ""), "suite"),
            of=known_name(re.split(r"[\\/]", of)[-1] if is_assembly else of),
            message=suite.message,
            timestamp=suite.start,
        )

    def record(self, element: Element) -> None:
        """Record a case, a property, or the reason a suite failed."""
        suite = self._suites[-1] if self._suites else _Fixture(None, {}, None)
        if element.name == "property":
            self.add_property(suite.name, element.get("name"), element.get("value"))
            return
        if element.name != "test-case":
            detail = element.find("message")
            suite.message = suite.message or (detail.text() if detail else element.text())
            return
        word = (element.get("result") or "").strip()
        verdict = self._OUTCOMES.get(word.casefold()) or verdict_of(word)
        if verdict == "failed" and element.get("label") in self._ERRORS:
            verdict = "error"
        detail = element.find("failure", "message") or element.find("reason", "message")
        message = (shorten_text(detail.text()) or None) if detail and verdict != "passed" else None
        if verdict is None:
            verdict, message = (
                (UNKNOWN, shorten_text(word, LONGEST_WORD)) if word else ("skipped", message)
            )
        suite.n_faults += verdict not in ("passed", "skipped")
        name, classname = element.get("name"), element.get("classname")
        if name and classname and (suite.name or "").startswith(f"{classname}("):
            # All instances of a parameterized fixture share the class and the names of its cases.
            name = f"{suite.name}.{name}"
        self.add_case(
            name=name or element.get("fullname"),
            results=[
                Result(
                    verdict,
                    None,
                    message,
                    element.get("duration"),
                    element.get("start-time"),
                    suite.start,
                )
            ],
            classname=classname,
            any_suite=suite.name,
        )

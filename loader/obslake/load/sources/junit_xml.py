"""Test reports in JUnit XML, which began with Ant and which most tools write."""

import re
from collections.abc import Iterator, Mapping

from obslake.load.sources.junit_suites import PROJECT_PROPERTIES, OpenSuite, letters
from obslake.load.sources.report_contents import (
    LONGEST_WORD,
    Naming,
    Place,
    Result,
    Sink,
    Suite,
    known_name,
    shorten_text,
)
from obslake.load.sources.report_formats import Element, Report
from obslake.load.sources.status_words import UNKNOWN, most_severe, verdict_of
from obslake.load.sources.suite_names import project_of

# Attributes of cases that are flags: the value that sets each flag, and its status word.
_FLAGS: Mapping[str, tuple[str, str]] = {
    "success": ("false", "failed"),
    "executed": ("false", "notrun"),
    "disabled": ("true", "disabled"),
    "ignored": ("true", "ignored"),
    "skipped": ("true", "skipped"),
}
# Elements in a case that some tools write instead of the common ones.
_ELEMENTS = frozenset(
    (
        *("aborted", "blocked", "cancelled", "crash", "crashed", "disabled", "err", "errored"),
        *(
            "exception",
            "fail",
            "failed",
            "ignore",
            "ignored",
            "incomplete",
            "inconclusive",
            "notrun",
        ),
        *("pending", "skip", "timedout", "timeout", "todo"),
    )
)
# Status words that add nothing to the verdict.
_PLAIN_WORDS = frozenset(
    (
        *("disabled", "ignored", "notrun", "pending", "skip", "skipped", "suppressed", "todo"),
        *("error", "errored", "fail", "failed", "failure"),
    )
)


class JUnitReport(Report):
    """A report in JUnit XML."""

    format = "junit"
    records = frozenset({"testcase", "property"})
    outside = frozenset({"error", "failure", "skipped"})
    ignored = frozenset({"system-out", "system-err", "properties", "attachments"})

    # Surefire's elements: attempts before one that passed, and attempts after one that failed.
    _FLAKY: Mapping[str, str] = {"flakyFailure": "failed", "flakyError": "error"}
    _RERUN: Mapping[str, str] = {"rerunFailure": "failed", "rerunError": "error"}
    # The most severe one counts.
    _OUTCOMES: Mapping[str, str] = {"error": "error", "failure": "failed", "skipped": "skipped"}
    spellings: Mapping[str, str] = {
        name.casefold(): name
        for name in ("testsuites", "testsuite", *records, *_FLAKY, *_RERUN, *_OUTCOMES)
    }
    # Attributes of suites in which several tools count faults.
    _FAULTS = ("errors", "failures", "error", "failed")
    # Attributes of Playwright's root element. Its suites have the project's name in place of the host's.
    _PLAYWRIGHT = frozenset({"id", "name", "tests", "failures", "skipped", "errors", "time"})

    def __init__(self, sink: Sink, naming: Naming) -> None:
        """Begin outside of all suites."""
        super().__init__(sink, naming)
        self._suites = [OpenSuite()]
        self._n_suites = 0
        self._is_playwright = False

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        """Open a suite."""
        outer = self._suites[-1]
        if name == "testsuite":
            self._n_suites += 1
            suite = outer.inner(self._n_suites, attributes, self.naming)
            self._suites.append(suite)
            self.add_property(suite.name, "hostname", attributes.get("hostname"), suite.number)
        elif name == "testsuites":
            self._is_playwright = {"id", "name"} <= attributes.keys() <= self._PLAYWRIGHT
            self._n_suites += 1
            steady = self.naming.steady(attributes.get("name"))
            timestamp = attributes.get("timestamp") or outer.timestamp
            self._suites.append(
                OpenSuite(
                    number=self._n_suites,
                    attributes=attributes,
                    written=known_name(attributes.get("name")),
                    name=steady.name or None,
                    outermost=steady.name or None,
                    timestamp=timestamp,
                )
            )

    def leave(self, name: str) -> None:
        """Close a suite, and report the faults and cases that it counts but that were not found."""
        if name not in ("testsuite", "testsuites"):
            return
        suite = self._suites.pop()
        outer = self._suites[-1]
        outer.n_cases += suite.n_cases
        outer.n_faults += suite.n_faults
        # Inner suites have already reported theirs.
        unexplained = self._counted(suite, self._FAULTS) - suite.n_faults - suite.n_unexplained
        missing = self._counted(suite, ("tests",)) - suite.n_cases - suite.n_missing
        outer.n_unexplained += suite.n_unexplained + max(0, unexplained)
        outer.n_missing += suite.n_missing + max(0, missing)
        self.sink.suite(
            Suite(
                number=suite.number,
                written=suite.written if suite.written != suite.name else None,
                name=suite.name,
                project=self._project(suite),
                labels=suite.labels(),
                unexplained=max(0, unexplained),
                missing=max(0, missing),
            )
        )

    def record(self, element: Element) -> None:
        """Keep a case, a property, or an element next to the cases."""
        suite = self._suites[-1]
        if element.name == "property":
            value = element.get("value") or element.text()
            self.add_property(suite.name, element.get("name"), value, suite.number)
            suite.note(element.get("name"), value, self.naming)
            return
        if element.name != "testcase":
            self._outside(suite, element)
            return
        suite.n_cases += 1
        suite.n_faults += len(element.named(*self._FLAKY, *self._RERUN, "error", "failure"))
        results = list(self._results(element, suite.timestamp))
        if not element.named("error", "failure"):
            suite.n_faults += results[-1].verdict not in ("passed", "skipped")
        self.add_case(
            name=element.get("name"),
            results=results,
            suite_number=suite.number,
            suite=suite.meaningful,
            group=suite.group,
            any_suite=suite.outermost,
            classname=suite.classname(
                element.get("classname") or element.get("class"), self.naming
            ),
            file=element.get("file") or suite.file,
        )

    def _outside(self, suite: OpenSuite, element: Element) -> None:
        """Keep an element of a suite next to its cases."""
        is_fault = element.name != "skipped"
        type_, message = _failure(element, "")
        suite.n_faults += is_fault
        place: Place = "suite"
        if is_fault:
            place = "teardown" if suite.n_cases else "setup"
        self.add_outside(
            place,
            of=None if suite.group else suite.name or suite.outermost,
            verdict="error" if is_fault else "skipped",
            type_=type_,
            message=message,
            timestamp=suite.timestamp,
            suite_number=suite.number,
            suite=suite.meaningful,
            group=suite.group,
        )

    def _counted(self, suite: OpenSuite, names: tuple[str, ...]) -> int:
        """Return the sum of a suite's counts in some attributes, 0 if it has none."""
        counts = (suite.attributes.get(name, "").strip() for name in names)
        return sum(int(count) for count in counts if re.fullmatch(r"\d{1,9}", count, re.ASCII))

    def _project(self, suite: OpenSuite) -> str | None:
        """Return the browser, device or environment in which the suite says its cases ran."""
        marks = suite.marks
        if wanted := self.naming.environment_from:
            return known_name(
                marks.get(wanted)
                or suite.attributes.get(wanted)
                or marks.get(f"property {letters(wanted)}")
            )
        host = marks.get("hostname", "")
        found = [
            (known_name(host) if self._is_playwright else project_of(host)) or suite.project,
            *(self.naming.steady(marks.get(f"property {key}")).name for key in PROJECT_PROPERTIES),
        ]
        return "/".join(dict.fromkeys(filter(None, found))) or None

    def _results(self, case: Element, suite_timestamp: str | None) -> Iterator[Result]:
        times = case.get("timestamp"), suite_timestamp
        name = case.get("name") or ""
        for attempt in case.named(*self._FLAKY):
            yield _attempt(self._FLAKY[attempt.name], attempt, name, *times)
        for element, verdict in self._OUTCOMES.items():
            if found := case.named(element):
                type_, message = _failure(found[0], name)
                yield Result(verdict, type_, message, case.get("time"), *times)
                break
        else:
            verdict, word = self._state(case)
            yield Result(verdict, None, word, case.get("time"), *times)
        for attempt in case.named(*self._RERUN):
            yield _attempt(self._RERUN[attempt.name], attempt, name, *times)

    def _state(self, case: Element) -> tuple[str, str | None]:
        """Return the verdict of a case with a status word, and the word if it adds to the verdict."""
        statuses = (case.get(name) for name in ("status", "result", "outcome"))
        words = [w for w in statuses if w and w.strip()]
        words += [
            word
            for name, (flag, word) in _FLAGS.items()
            if (case.get(name) or "").strip().casefold() == flag
        ]
        words += [child.name for child in case.children if letters(child.name) in _ELEMENTS]
        known = {w: found for w in words if (found := verdict_of(w))}
        worst = most_severe(known.values()) or "passed"
        unknown = [w for w in words if w not in known]
        if worst == "passed" and unknown:
            return UNKNOWN, shorten_text(unknown[0].strip(), LONGEST_WORD)
        word = next((w for w, found in known.items() if found == worst), "").strip()
        says_more = worst in ("error", "failed", "skipped") and word.casefold() not in _PLAIN_WORDS
        return worst, shorten_text(word, LONGEST_WORD) if says_more else None


def _attempt(
    verdict: str,
    element: Element,
    name: str,
    timestamp: str | None,
    suite_timestamp: str | None,
) -> Result:
    """Return an attempt that has its own element, and so its own duration rather than the case's."""
    type_, message = _failure(element, name)
    timestamp = element.get("timestamp") or timestamp
    return Result(verdict, type_, message, element.get("time"), timestamp, suite_timestamp)


def _failure(element: Element, name: str) -> tuple[str | None, str | None]:
    """Return the class and the message of a failure."""
    message = (element.get("message") or "").strip()
    if not message:
        lines = (line.strip() for line in element.text().splitlines())
        # PHPUnit writes the name of the test above the message.
        message = next((line for line in lines if line and not (name and line.endswith(name))), "")
    return known_name(element.get("type")), shorten_text(message) or None

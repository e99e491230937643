"""Test reports: JUnit XML in its dialects, TRX, xUnit.net and NUnit, read case by case.

Here is said what the files say; what it means as observations is in ``sql/junit.sql``.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from obslake.errors import SourceFormatError
from obslake.sources.files import SourceFile
from obslake.sources.xml_stream import read_xml

# Longer texts are cut, so that a row has a bounded size: names stay different by a hash at their end.
_LONGEST_NAME = 2_000
_LONGEST_TEXT = 10_000
_LONGEST_PROPERTY = 1_000
_MOST_ELEMENTS = 1_000

# Names that tools give to every report, and that say nothing about what was tested.
_MEANINGLESS_SUITES = frozenset(
    {
        "",
        "all tests",
        "common",
        "default",
        "jest tests",
        "junit",
        "mocha tests",
        "nosetests",
        "phpunit",
        "pytest",
        "root suite",
        "suite",
        "test",
        "test results",
        "test suite",
        "tests",
        "testsuite",
        "undefined",
        "unittest",
        "unnamed",
        "xunit",
    }
)
# Where a configuration or an assembly lies is another place on another machine.
_ABSOLUTE_PATH = re.compile(r"[A-Za-z]:[\\/]|[\\/]|file:")


@dataclass(frozen=True)
class Result:
    """How one attempt at a case ended.

    Attributes:
        verdict: ``passed``, ``failed``, ``error`` or ``skipped``.
        type: class of what was thrown, as far as the report names it.
        message: what was said about it.
        time: its duration, as written.
        timestamp: when it began, as written.
    """

    verdict: str
    type: str | None = None
    message: str | None = None
    time: str | None = None
    timestamp: str | None = None


@dataclass(frozen=True)
class Case:
    """One test case of a report.

    Attributes:
        suite: outermost suite around it whose name says what is tested.
        group: names of the suites between that one and the case.
        any_suite: outermost suite around it that has a name at all.
        classname: class, module or file of the test.
        name: name of the test, with its parameters.
        file: source file of the test.
        reference: what its class is filed under elsewhere in the report.
        results: its attempts, in their order.
    """

    suite: str | None
    group: str | None
    any_suite: str | None
    classname: str | None
    name: str | None
    file: str | None
    reference: str | None
    results: list[Result]


class Sink(Protocol):
    """Where the contents of a report go."""

    def case(self, case: Case) -> None:
        """Take a test case."""

    def property(self, suite: str, name: str, value: str) -> None:
        """Take what a suite, or the whole run, says about its context."""

    def test_class(self, reference: str, classname: str) -> None:
        """Take the class that cases refer to."""


@dataclass(frozen=True)
class ReportSummary:
    """What is known about a report as a whole.

    Attributes:
        format: ``junit``, ``trx``, ``xunit`` or ``nunit``.
        n_cases: how many test cases it has.
        n_replaced: how many characters were replaced that XML does not allow.
    """

    format: str
    n_cases: int
    n_replaced: int


def read_report(file: SourceFile, sink: Sink) -> ReportSummary:
    """Read a report, whichever of the formats it has.

    Raises:
        SourceFormatError: the file is broken or no test report.
    """
    events = _ReportEvents(file, sink)
    n_replaced = read_xml(file, events)
    return ReportSummary(events.report.format, events.report.n_cases, n_replaced)


def shorten_name(text: str) -> str:
    """Cut a name that is too long to be one, and keep it different from others."""
    if len(text) <= _LONGEST_NAME:
        return text
    digest = sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"{text[:_LONGEST_NAME]}…{digest[:16]}"


def _shorten_text(text: str, longest: int = _LONGEST_TEXT) -> str:
    return text if len(text) <= longest else text[:longest] + "…"


def _name(text: str | None) -> str | None:
    """Return a name, None where there is none."""
    return shorten_name(text.strip()) or None if text else None


@dataclass
class _Element:
    """An element inside a test case, as far as it is kept."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list["_Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    length: int = 0

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)

    def add_text(self, text: str) -> None:
        if self.length <= _LONGEST_TEXT:
            self.texts.append(text)
            self.length += len(text)

    def named(self, *names: str) -> list["_Element"]:
        return [child for child in self.children if child.name in names]

    def find(self, *path: str) -> "_Element | None":
        """Return the first element at a path of names."""
        element: _Element | None = self
        for name in path:
            element = next(iter(element.named(name)), None) if element else None
        return element

    def text(self) -> str:
        """Return all text in the element, that of its children last."""
        texts: list[str] = []
        elements = [self]
        while elements:
            element = elements.pop()
            texts += element.texts
            elements += reversed(element.children)
        return "".join(texts).strip()


class _ReportEvents:
    """Keeps the elements of the record that is read at the moment, and no others."""

    report: "_Report"

    def __init__(self, file: SourceFile, sink: Sink) -> None:
        self._file = file
        self._sink = sink
        self._is_root = True
        # What to do at the end of each open element.
        self._ends: list[Callable[[], None]] = []
        self._open: list[_Element | None] = []
        self._n_kept = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._is_root:
            self._is_root = False
            self.report = _report(self._file, name, self._sink)
        inside = self._open[-1] if self._open else None
        if name in self.report.records and not self._in_ignored():
            element = _Element(name, attributes)
            self._n_kept = 0
            if inside is not None and not inside.named(name):
                # It only says that there are some: each is a record of its own.
                inside.children.append(_Element(name))
            self._push(element, lambda: self.report.record(element))
        elif inside is not None:
            self._n_kept += 1
            ignored = name in self.report.ignored or self._n_kept > _MOST_ELEMENTS
            child = None if ignored else _Element(name, attributes)
            if child is not None:
                inside.children.append(child)
            self._push(child, _nothing)
        elif self._ends and self._in_ignored():
            self._push(None, _nothing)
        else:
            self.report.enter(name, attributes)
            self._ends.append(lambda: self.report.leave(name))
            self._open.append(None)

    def end(self) -> None:
        self._open.pop()
        self._ends.pop()()

    def text(self, text: str) -> None:
        if self._open and (element := self._open[-1]) is not None:
            element.add_text(text)

    def _in_ignored(self) -> bool:
        return bool(self._ends) and self._ends[-1] is _nothing and self._open[-1] is None

    def _push(self, element: _Element | None, end: Callable[[], None]) -> None:
        self._open.append(element)
        self._ends.append(end)


def _nothing() -> None:
    pass


class _Report(ABC):
    """One format: which elements are records, and what they say.

    Attributes:
        format: its name.
        records: elements that are kept until they end, and then understood as a whole.
        ignored: elements inside records that are passed over.
    """

    format: str
    records: frozenset[str]
    ignored: frozenset[str] = frozenset()

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.n_cases = 0

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take note of an element around records that begins."""
        del name, attributes

    def leave(self, name: str) -> None:
        """Take note of an element around records that ends."""
        del name

    @abstractmethod
    def record(self, element: _Element) -> None:
        """Understand a record."""

    def add_case(
        self,
        *,
        name: str | None,
        results: list[Result],
        suite: str | None = None,
        group: str | None = None,
        any_suite: str | None = None,
        classname: str | None = None,
        file: str | None = None,
        reference: str | None = None,
    ) -> None:
        self.n_cases += 1
        self.sink.case(
            Case(
                suite=suite,
                group=group,
                any_suite=any_suite,
                classname=_name(classname),
                name=_name(name),
                file=_name(file),
                reference=_name(reference),
                results=results,
            )
        )

    def add_property(self, suite: str | None, name: str | None, value: str | None) -> None:
        if (known := _name(name)) and value is not None:
            self.sink.property(suite or "", known, _shorten_text(value, _LONGEST_PROPERTY))


@dataclass(frozen=True)
class _Suite:
    """A suite and what it hands down to those inside it."""

    name: str | None = None
    meaningful: str | None = None
    group: str | None = None
    outermost: str | None = None
    file: str | None = None
    timestamp: str | None = None

    def inner(self, attributes: Mapping[str, str]) -> "_Suite":
        name = _name(attributes.get("name"))
        is_meaningful = name is not None and is_meaningful_suite(name)
        group = self.group
        if is_meaningful and name and self.meaningful:
            # Some tools repeat the outer name in the inner one.
            repeated = group is not None and name.startswith(group)
            group = shorten_name(name if repeated else "::".join(filter(None, (group, name))))
        return _Suite(
            name=name,
            meaningful=self.meaningful or (name if is_meaningful else None),
            group=group,
            outermost=self.outermost or name,
            file=_name(attributes.get("file")) or self.file,
            timestamp=attributes.get("timestamp") or self.timestamp,
        )


def is_meaningful_suite(name: str) -> bool:
    """Tell whether the name of a suite says what is tested."""
    return name.casefold() not in _MEANINGLESS_SUITES and not _ABSOLUTE_PATH.match(name)


class _JUnitReport(_Report):
    """JUnit XML, as Ant began it and everybody writes it."""

    format = "junit"
    records = frozenset({"testcase", "property"})
    ignored = frozenset({"system-out", "system-err", "properties", "attachments"})

    # Surefire's words: attempts before one that passed, and attempts after one that failed.
    _FLAKY: Mapping[str, str] = {"flakyFailure": "failed", "flakyError": "error"}
    _RERUN: Mapping[str, str] = {"rerunFailure": "failed", "rerunError": "error"}
    # The most severe one counts.
    _OUTCOMES: Mapping[str, str] = {"error": "error", "failure": "failed", "skipped": "skipped"}
    _STATES: Mapping[str, str] = {
        "disabled": "skipped",
        "ignored": "skipped",
        "notrun": "skipped",
        "pending": "skipped",
        "skipped": "skipped",
        "suppressed": "skipped",
        "todo": "skipped",
        "fail": "failed",
        "failed": "failed",
        "failure": "failed",
        "error": "error",
        "errored": "error",
    }

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._suites = [_Suite()]

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "testsuite":
            self._suites.append(self._suites[-1].inner(attributes))
            self.add_property(self._suites[-1].name, "hostname", attributes.get("hostname"))
        elif name == "testsuites":
            outer = self._suites[-1]
            outermost = _name(attributes.get("name"))
            timestamp = attributes.get("timestamp") or outer.timestamp
            self._suites.append(_Suite(outermost=outermost, timestamp=timestamp))

    def leave(self, name: str) -> None:
        if name in ("testsuite", "testsuites"):
            self._suites.pop()

    def record(self, element: _Element) -> None:
        suite = self._suites[-1]
        if element.name == "property":
            value = element.get("value")
            self.add_property(suite.name, element.get("name"), value or element.text())
            return
        self.add_case(
            name=element.get("name"),
            results=list(self._results(element, suite.timestamp)),
            suite=suite.meaningful,
            group=suite.group,
            any_suite=suite.outermost,
            classname=element.get("classname") or element.get("class"),
            file=element.get("file") or suite.file,
        )

    def _results(self, case: _Element, timestamp: str | None) -> Iterator[Result]:
        timestamp = case.get("timestamp") or timestamp
        name = case.get("name") or ""
        for attempt in case.named(*self._FLAKY):
            yield _attempt(self._FLAKY[attempt.name], attempt, name, timestamp)
        for element, verdict in self._OUTCOMES.items():
            if found := case.named(element):
                type_, message = _said(found[0], name)
                yield Result(verdict, type_, message, case.get("time"), timestamp)
                break
        else:
            states = (case.get("status"), case.get("result"))
            known = [
                self._STATES[s.casefold()] for s in states if s and s.casefold() in self._STATES
            ]
            verdict = known[0] if known else "passed"
            yield Result(verdict, time=case.get("time"), timestamp=timestamp)
        for attempt in case.named(*self._RERUN):
            yield _attempt(self._RERUN[attempt.name], attempt, name, timestamp)


def _attempt(verdict: str, element: _Element, name: str, timestamp: str | None) -> Result:
    """Return an attempt that has an element of its own: the time of the case is not its time."""
    type_, message = _said(element, name)
    return Result(
        verdict, type_, message, element.get("time"), element.get("timestamp") or timestamp
    )


def _said(element: _Element, name: str) -> tuple[str | None, str | None]:
    """Return the class and the message of a failure."""
    message = (element.get("message") or "").strip()
    if not message:
        lines = (line.strip() for line in element.text().splitlines())
        # PHPUnit writes the name of the test above what is said about it.
        message = next((line for line in lines if line and not (name and line.endswith(name))), "")
    return _name(element.get("type")), _shorten_text(message) or None


class _TrxReport(_Report):
    """TRX of MSTest and ``dotnet test``: the classes stand apart from the results."""

    format = "trx"
    records = frozenset(
        {
            "UnitTest",
            "UnitTestResult",
            "TestResult",
            "GenericTestResult",
            "ManualTestResult",
            "OrderedTestResult",
            "WebTestResult",
        }
    )
    ignored = frozenset({"StdOut", "StdErr", "DebugTrace", "TextMessages", "ResultFiles"})

    _OUTCOMES: Mapping[str, str] = {
        "passed": "passed",
        "passedbutrunaborted": "passed",
        "completed": "passed",
        "warning": "passed",
        "failed": "failed",
        "error": "error",
        "timeout": "error",
        "aborted": "error",
        "disconnected": "error",
    }
    # Outcomes that say no more than the verdict does.
    _PLAIN = frozenset({"passed", "failed", "error", "notexecuted"})

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._start: str | None = None

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "Times":
            self._start = attributes.get("start")

    def record(self, element: _Element) -> None:
        if element.name == "UnitTest":
            self._add_class(element)
            return
        inner = element.find("InnerResults")
        if inner and inner.named(*self.records):
            # The rows of a data-driven test are the cases.
            return
        outcome = element.get("outcome") or "Error"
        verdict = self._OUTCOMES.get(outcome.casefold(), "skipped")
        word = None if outcome.casefold() in self._PLAIN else outcome
        said = element.find("Output", "ErrorInfo", "Message")
        message = _shorten_text(said.text()) or None if said else None
        result = Result(
            verdict,
            type=word if verdict in ("failed", "error") else None,
            message={"passed": None, "skipped": message or word}.get(verdict, message),
            time=element.get("duration"),
            timestamp=element.get("startTime") or self._start,
        )
        self.add_case(
            name=element.get("testName"), results=[result], reference=element.get("testId")
        )

    def _add_class(self, element: _Element) -> None:
        method = element.find("TestMethod")
        reference = _name(element.get("id"))
        classname = method.get("className") if method else None
        if reference and classname:
            # Without the name and version of the assembly.
            plain = classname if "[" in classname else classname.partition(",")[0]
            self.sink.test_class(reference, shorten_name(plain.strip()))


class _XUnitReport(_Report):
    """xUnit.net: assemblies with collections (version 2) or classes (version 1) of tests."""

    format = "xunit"
    records = frozenset({"test"})
    ignored = frozenset({"output", "traits", "stack-trace", "attachments"})

    _OUTCOMES: Mapping[str, str] = {"pass": "passed", "fail": "failed"}

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._start: str | None = None
        self._collection: str | None = None

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "assembly":
            day, time = attributes.get("run-date"), attributes.get("run-time")
            self._start = attributes.get("start-rtf") or (f"{day} {time}" if day and time else None)
            # Without the folder that it was built in.
            assembly = re.split(r"[\\/]", attributes.get("name", ""))[-1]
            for key in ("environment", "test-framework"):
                self.add_property(_name(assembly), key, attributes.get(key))
        elif name in ("collection", "class"):
            self._collection = attributes.get("name")

    def record(self, element: _Element) -> None:
        verdict = self._OUTCOMES.get((element.get("result") or "").casefold(), "skipped")
        type_ = message = None
        if failure := element.find("failure"):
            type_ = _name(failure.get("exception-type"))
            said = failure.find("message")
            message = said.text() if said else failure.text()
        elif reason := element.find("reason"):
            message = reason.text()
        self.add_case(
            name=element.get("name") or element.get("method"),
            results=[
                Result(
                    verdict,
                    type_,
                    _shorten_text(message or "") or None,
                    element.get("time"),
                    element.get("start-rtf") or self._start,
                )
            ],
            classname=element.get("type") or self._collection,
            file=element.get("source-file"),
        )


class _NUnitReport(_Report):
    """NUnit 3: suites for assembly, namespace, fixture and method around each case."""

    format = "nunit"
    records = frozenset({"test-case", "property"})
    ignored = frozenset({"output", "properties", "stack-trace", "attachments", "assertions"})

    _OUTCOMES: Mapping[str, str] = {"passed": "passed", "warning": "passed", "failed": "failed"}

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._suites: list[str | None] = []
        self._starts: list[str | None] = [None]

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        if name in ("test-run", "test-suite"):
            self._suites.append(_name(attributes.get("fullname") or attributes.get("name")))
            self._starts.append(attributes.get("start-time") or self._starts[-1])

    def leave(self, name: str) -> None:
        if name in ("test-run", "test-suite"):
            self._suites.pop()
            self._starts.pop()

    def record(self, element: _Element) -> None:
        if element.name == "property":
            suite = self._suites[-1] if self._suites else None
            self.add_property(suite, element.get("name"), element.get("value"))
            return
        verdict = self._OUTCOMES.get((element.get("result") or "").casefold(), "skipped")
        if verdict == "failed" and element.get("label") in ("Error", "Invalid", "Cancelled"):
            verdict = "error"
        said = element.find("failure", "message") or element.find("reason", "message")
        self.add_case(
            name=element.get("name") or element.get("fullname"),
            results=[
                Result(
                    verdict,
                    None,
                    (_shorten_text(said.text()) or None) if said and verdict != "passed" else None,
                    element.get("duration"),
                    element.get("start-time") or self._starts[-1],
                )
            ],
            classname=element.get("classname"),
            any_suite=self._suites[-1] if self._suites else None,
        )


_ROOTS: Mapping[str, type[_Report]] = {
    "testsuites": _JUnitReport,
    "testsuite": _JUnitReport,
    "TestRun": _TrxReport,
    "assemblies": _XUnitReport,
    "assembly": _XUnitReport,
    "test-run": _NUnitReport,
}


def _report(file: SourceFile, root: str, sink: Sink) -> _Report:
    if root in _ROOTS:
        return _ROOTS[root](sink)
    if root == "test-results":
        raise SourceFormatError(
            f"{file.name}: a report of NUnit 2; write it as NUnit 3 or JUnit XML"
        )
    raise SourceFormatError(
        f"{file.name}: no test report: its root element is {shorten_name(root)[:100]}, "
        f"not one of {', '.join(_ROOTS)}"
    )

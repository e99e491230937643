"""Test reports: JUnit XML in its dialects, TRX, xUnit.net and NUnit, read case by case.

Here is said what the files say; what it means as observations is in ``sql/junit.sql``.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, Protocol

from obslake.errors import SourceFormatError
from obslake.load.sources.files import SourceFile
from obslake.load.sources.status_words import UNKNOWN, most_severe, verdict_of
from obslake.load.sources.suite_names import (
    SuiteName,
    is_browser,
    is_random_host,
    project_of,
    steady_name,
)
from obslake.load.sources.xml_stream import read_xml

# Longer texts are cut, so that a row has a bounded size: names stay different by a hash at their end.
_LONGEST_NAME = 2_000
_LONGEST_TEXT = 10_000
_LONGEST_PROPERTY = 1_000
_LONGEST_WORD = 100
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
        verdict: ``passed``, ``failed``, ``error``, ``skipped``, ``timeout``, ``crash``, or ``other``: its
            message is a word of which nobody knows what it means.
        type: class of what was thrown, as far as the report names it.
        message: what was said about it.
        time: its duration, as written.
        timestamp: when it began, as written.
        suite_timestamp: when its suite began, as written.
    """

    verdict: str
    type: str | None = None
    message: str | None = None
    time: str | None = None
    timestamp: str | None = None
    suite_timestamp: str | None = None


@dataclass(frozen=True)
class Suite:
    """A suite that holds cases.

    Attributes:
        number: what its cases refer to; 0 is what is outside of all suites.
        written: its name as it is written, where that is another.
        name: its name without what is different in every run.
        project: browser, device or the like that its cases were executed in, which is their environment.
        labels: what tells it apart from other suites of its name, in the order in which that counts.
        unexplained: failures and errors that it counts, and that neither cases nor errors explain.
        missing: cases that it counts, and that are not there.
    """

    number: int
    written: str | None = None
    name: str | None = None
    project: str | None = None
    labels: tuple[str | None, str | None, str | None] = (None, None, None)
    unexplained: int = 0
    missing: int = 0


Place = Literal["setup", "teardown", "suite"]


@dataclass(frozen=True)
class Case:
    """One test case of a report.

    Attributes:
        suite_number: the suite around it.
        suite: outermost suite around it whose name says what is tested.
        group: names of the suites between that one and the case.
        any_suite: outermost suite around it that has a name at all.
        classname: class, module or file of the test.
        name: name of the test, with its parameters.
        file: source file of the test.
        reference: what its class is filed under elsewhere in the report.
        results: its attempts, in their order.
        is_outside: whether it stands for what went wrong outside of cases, and is named after that.
    """

    suite_number: int
    suite: str | None
    group: str | None
    any_suite: str | None
    classname: str | None
    name: str | None
    file: str | None
    reference: str | None
    results: list[Result]
    is_outside: bool = False


class Sink(Protocol):
    """Where the contents of a report go."""

    def case(self, case: Case) -> None:
        """Take a test case."""

    def suite(self, suite: Suite) -> None:
        """Take a suite, after its cases."""

    def property(self, suite_number: int, suite: str, name: str, value: str) -> None:
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


@dataclass(frozen=True)
class Naming:
    """What the user said about names.

    Attributes:
        keeps_names: nothing is taken out of the names of suites.
        environment_from: attribute or property of a suite that is part of the environment.
    """

    keeps_names: bool = False
    environment_from: str | None = None

    def steady(self, name: str | None) -> SuiteName:
        """Return the name of a suite, or of what may be named after one."""
        known = _name(name) or ""
        return SuiteName(known) if self.keeps_names else steady_name(known)


def read_report(file: SourceFile, sink: Sink, naming: Naming) -> ReportSummary:
    """Read a report, whichever of the formats it has.

    Raises:
        SourceFormatError: the file is broken or no test report.
    """
    events = _ReportEvents(file, sink, naming)
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

    def __init__(self, file: SourceFile, sink: Sink, naming: Naming) -> None:
        self._file = file
        self._sink = sink
        self._naming = naming
        self._is_root = True
        # What to do at the end of each open element.
        self._ends: list[Callable[[], None]] = []
        self._open: list[_Element | None] = []
        self._n_kept = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._is_root:
            self._is_root = False
            self.report = _report(self._file, name, self._sink, self._naming)
        name = self.report.spellings.get(name.casefold(), name)
        inside = self._open[-1] if self._open else None
        is_record = name in self.report.records or (
            # Inside a record the same element is a part of it.
            inside is None and name in self.report.outside
        )
        if is_record and not self._in_ignored():
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
        outside: elements that are records where they are not inside of others.
        ignored: elements inside records that are passed over.
        spellings: names of elements, by themselves without case.
    """

    format: str
    records: frozenset[str]
    outside: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    spellings: Mapping[str, str] = {}

    def __init__(self, sink: Sink, naming: Naming) -> None:
        self.sink = sink
        self.naming = naming
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
        suite_number: int = 0,
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
                suite_number=suite_number,
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

    def add_outside(
        self,
        place: Place,
        *,
        of: str | None,
        verdict: str = "error",
        type_: str | None = None,
        message: str | None = None,
        timestamp: str | None = None,
        suite_number: int = 0,
        suite: str | None = None,
        group: str | None = None,
    ) -> None:
        """Keep what went wrong outside of cases as a case of what it happened to."""
        said = _shorten_text((message or "").strip()) or None
        result = Result(verdict, _name(type_), said, suite_timestamp=timestamp)
        self.sink.case(
            Case(
                suite_number=suite_number,
                suite=suite,
                group=group,
                any_suite=of,
                classname=of,
                name=place,
                file=None,
                reference=None,
                results=[result],
                is_outside=True,
            )
        )

    def add_property(
        self, suite: str | None, name: str | None, value: str | None, suite_number: int = 0
    ) -> None:
        if (known := _name(name)) and value is not None:
            text = _shorten_text(value, _LONGEST_PROPERTY)
            self.sink.property(suite_number, suite or "", known, text)


@dataclass
class _Suite:
    """A suite, what it hands down to those inside it, and what was found in it."""

    number: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    written: str | None = None
    version: str | None = None
    meaningful: str | None = None
    group: str | None = None
    outermost: str | None = None
    file: str | None = None
    timestamp: str | None = None
    # Its own and those around it.
    said: dict[str, str] = field(default_factory=dict)
    project: str | None = None
    # What the class begins with where the browser stands before it.
    browser: str | None = None
    n_cases: int = 0
    n_faults: int = 0
    n_unexplained: int = 0
    n_missing: int = 0

    def inner(self, number: int, attributes: Mapping[str, str], naming: Naming) -> "_Suite":
        written = _name(attributes.get("name"))
        steady = naming.steady(written)
        name = steady.name or None
        # Karma's suites are named after browsers, which say where tests ran and not what was tested.
        browser = written if written and not naming.keeps_names and is_browser(written) else None
        is_meaningful = name is not None and is_meaningful_suite(name) and browser is None
        group = self.group
        if is_meaningful and name and self.meaningful:
            # Some tools repeat the outer name in the inner one.
            repeated = group is not None and name.startswith(group)
            group = shorten_name(name if repeated else "::".join(filter(None, (group, name))))
        said = self.said | {
            key: value for key in _DISTINGUISHING if (value := (attributes.get(key) or "").strip())
        }
        return _Suite(
            number=number,
            attributes=attributes,
            name=name,
            written=written,
            version=steady.version or self.version,
            meaningful=self.meaningful or (name if is_meaningful else None),
            group=group,
            outermost=self.outermost or (name if browser is None else None),
            file=_name(attributes.get("file")) or self.file,
            timestamp=attributes.get("timestamp") or self.timestamp,
            said=said,
            project=(name if browser else None) or self.project,
            browser=browser or self.browser,
        )

    def note(self, name: str | None, value: str, naming: Naming) -> None:
        """Keep a property that may say in what the cases of the suite ran."""
        key = _letters(name or "")
        if key in _PROJECT_PROPERTIES or (name and name.strip() == naming.environment_from):
            self.said.setdefault(f"property {key}", _shorten_text(value.strip(), _LONGEST_PROPERTY))

    def classname(self, written: str | None, naming: Naming) -> str | None:
        """Return the class of a case, without what its suite's name has lost."""
        text = _name(written)
        if text is None or naming.keeps_names:
            return text
        if self.browser:
            for start in (self.browser, re.sub(r"[ .]", "_", self.browser)):
                text = text.removeprefix(start).lstrip(".") or text
        elif self.written and self.name and self.written != self.name:
            text = text.replace(self.written, self.name)
        # Nothing else: what looks random in the name of a class may be all that tells it from another.
        return text

    def labels(self) -> tuple[str | None, str | None, str | None]:
        """Return what may tell suites of one name apart: what is steady first."""
        number = self.said.get("id", "")
        file = self.said.get("file")
        steady = (
            self.said.get("package"),
            file and short_path(file),
            number if number and not number.isdecimal() else None,
        )
        host = self.said.get("hostname")
        return (
            ", ".join(filter(None, steady)) or None,
            host if host and not is_random_host(host) else None,
            self.version,
        )


# Attributes that may tell suites of one name apart, and properties that say in what they ran.
_DISTINGUISHING = ("package", "file", "id", "hostname")
_PROJECT_PROPERTIES = ("browser", "browsername", "device", "devicename")


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.casefold())


def short_path(path: str) -> str:
    """Return a path that is the same on other machines, as far as that can be known."""
    parts = re.split(r"[\\/]+", path)
    return "/".join(parts[-2:] if _ABSOLUTE_PATH.match(path) else parts)


def is_meaningful_suite(name: str) -> bool:
    """Tell whether the name of a suite says what is tested."""
    return name.casefold() not in _MEANINGLESS_SUITES and not _ABSOLUTE_PATH.match(name)


class _JUnitReport(_Report):
    """JUnit XML, as Ant began it and everybody writes it."""

    format = "junit"
    records = frozenset({"testcase", "property"})
    outside = frozenset({"error", "failure", "skipped"})
    ignored = frozenset({"system-out", "system-err", "properties", "attachments"})

    # Surefire's words: attempts before one that passed, and attempts after one that failed.
    _FLAKY: Mapping[str, str] = {"flakyFailure": "failed", "flakyError": "error"}
    _RERUN: Mapping[str, str] = {"rerunFailure": "failed", "rerunError": "error"}
    # The most severe one counts.
    _OUTCOMES: Mapping[str, str] = {"error": "error", "failure": "failed", "skipped": "skipped"}
    spellings: Mapping[str, str] = {
        name.casefold(): name
        for name in ("testsuites", "testsuite", *records, *_FLAKY, *_RERUN, *_OUTCOMES)
    }
    # What a suite counts, in the words of several tools.
    _FAULTS = ("errors", "failures", "error", "failed")
    # The root as Playwright writes it: it has the name of a project where others have the host's.
    _PLAYWRIGHT = frozenset({"id", "name", "tests", "failures", "skipped", "errors", "time"})

    def __init__(self, sink: Sink, naming: Naming) -> None:
        super().__init__(sink, naming)
        self._suites = [_Suite()]
        self._n_suites = 0
        self._is_playwright = False

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
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
                _Suite(
                    number=self._n_suites,
                    attributes=attributes,
                    written=_name(attributes.get("name")),
                    name=steady.name or None,
                    outermost=steady.name or None,
                    timestamp=timestamp,
                )
            )

    def leave(self, name: str) -> None:
        if name not in ("testsuite", "testsuites"):
            return
        suite = self._suites.pop()
        outer = self._suites[-1]
        outer.n_cases += suite.n_cases
        outer.n_faults += suite.n_faults
        # What an inner suite has said need not be said again.
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

    def record(self, element: _Element) -> None:
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

    def _outside(self, suite: _Suite, element: _Element) -> None:
        """Keep what stands in a suite beside its cases."""
        is_fault = element.name != "skipped"
        type_, message = _said(element, "")
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

    def _counted(self, suite: _Suite, names: tuple[str, ...]) -> int:
        """Return what a suite counts, 0 where it does not."""
        counts = (suite.attributes.get(name, "").strip() for name in names)
        return sum(int(count) for count in counts if re.fullmatch(r"\d{1,9}", count, re.ASCII))

    def _project(self, suite: _Suite) -> str | None:
        """Return in what the cases of a suite ran, as far as the suite itself says it."""
        said = suite.said
        if wanted := self.naming.environment_from:
            return _name(
                said.get(wanted)
                or suite.attributes.get(wanted)
                or said.get(f"property {_letters(wanted)}")
            )
        host = said.get("hostname", "")
        found = [
            (_name(host) if self._is_playwright else project_of(host)) or suite.project,
            *(self.naming.steady(said.get(f"property {key}")).name for key in _PROJECT_PROPERTIES),
        ]
        return "/".join(dict.fromkeys(filter(None, found))) or None

    def _results(self, case: _Element, suite_timestamp: str | None) -> Iterator[Result]:
        times = case.get("timestamp"), suite_timestamp
        name = case.get("name") or ""
        for attempt in case.named(*self._FLAKY):
            yield _attempt(self._FLAKY[attempt.name], attempt, name, *times)
        for element, verdict in self._OUTCOMES.items():
            if found := case.named(element):
                type_, message = _said(found[0], name)
                yield Result(verdict, type_, message, case.get("time"), *times)
                break
        else:
            verdict, word = self._state(case)
            yield Result(verdict, None, word, case.get("time"), *times)
        for attempt in case.named(*self._RERUN):
            yield _attempt(self._RERUN[attempt.name], attempt, name, *times)

    def _state(self, case: _Element) -> tuple[str, str | None]:
        """Return the verdict of a case that says it in a word, and the word where it says more."""
        said = (case.get(name) for name in ("status", "result", "outcome"))
        words = [w for w in said if w and w.strip()]
        words += [
            word
            for name, (flag, word) in _FLAGS.items()
            if (case.get(name) or "").strip().casefold() == flag
        ]
        words += [child.name for child in case.children if _letters(child.name) in _ELEMENTS]
        known = {w: found for w in words if (found := verdict_of(w))}
        worst = most_severe(known.values()) or "passed"
        unknown = [w for w in words if w not in known]
        if worst == "passed" and unknown:
            return UNKNOWN, _shorten_text(unknown[0].strip(), _LONGEST_WORD)
        word = next((w for w, found in known.items() if found == worst), "").strip()
        says_more = worst in ("error", "failed", "skipped") and word.casefold() not in _PLAIN_WORDS
        return worst, _shorten_text(word, _LONGEST_WORD) if says_more else None


# Attributes of cases that are flags, and the word that they stand for where they have the value.
_FLAGS: Mapping[str, tuple[str, str]] = {
    "success": ("false", "failed"),
    "executed": ("false", "notrun"),
    "disabled": ("true", "disabled"),
    "ignored": ("true", "ignored"),
    "skipped": ("true", "skipped"),
}
# Elements inside of a case that some tools write in place of those that everybody does.
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
# Words of a status that say no more than the verdict.
_PLAIN_WORDS = frozenset(
    (
        *("disabled", "ignored", "notrun", "pending", "skip", "skipped", "suppressed", "todo"),
        *("error", "errored", "fail", "failed", "failure"),
    )
)


def _attempt(
    verdict: str,
    element: _Element,
    name: str,
    timestamp: str | None,
    suite_timestamp: str | None,
) -> Result:
    """Return an attempt that has an element of its own: the time of the case is not its time."""
    type_, message = _said(element, name)
    timestamp = element.get("timestamp") or timestamp
    return Result(verdict, type_, message, element.get("time"), timestamp, suite_timestamp)


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
    outside = frozenset({"RunInfo", "Counters"})
    ignored = frozenset({"StdOut", "StdErr", "DebugTrace", "TextMessages", "ResultFiles"})

    # Where this format means something else by a word: a test that did not end is an error.
    _OUTCOMES: Mapping[str, str] = {"timeout": "error", "warning": "passed"}
    # Outcomes that say no more than the verdict does.
    _PLAIN = frozenset({"passed", "failed", "error", "notexecuted"})
    _FAULTS = ("failed", "error", "timeout", "aborted")
    # The runner of xUnit.net repeats there what it printed of each case.
    _REPEATED = re.compile(r"\s*\[xUnit\.net [\d:.]+\].*\[(?:FAIL|SKIP)\]\s*", re.DOTALL)

    def __init__(self, sink: Sink, naming: Naming) -> None:
        super().__init__(sink, naming)
        self._start: str | None = None
        self._assembly: str | None = None
        self._outcome = ""
        self._n_faults = 0
        self._n_counted = 0
        self._faults: list[str] = []

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "Times":
            self._start = attributes.get("start")
        elif name == "ResultSummary":
            self._outcome = attributes.get("outcome", "")

    def leave(self, name: str) -> None:
        if name != "TestRun":
            return
        ended_badly = self._outcome.casefold() in ("aborted", "error", "timeout", "disconnected")
        has_no_reason = self._outcome.casefold() == "failed" and not self._n_faults
        if self._faults or ended_badly or has_no_reason:
            message = "\n".join(self._faults) or f"the run ended as {self._outcome}"
            self.add_outside("suite", of=self._assembly, message=message, timestamp=self._start)
        unexplained = max(0, self._n_counted - self._n_faults)
        self.sink.suite(Suite(0, name=self._assembly, unexplained=unexplained))

    def record(self, element: _Element) -> None:
        if element.name == "UnitTest":
            self._add_class(element)
            return
        if element.name == "RunInfo":
            self._add_run_info(element)
            return
        if element.name == "Counters":
            counts = (element.get(name) or "" for name in self._FAULTS)
            self._n_counted = sum(int(c) for c in counts if re.fullmatch(r"[0-9]{1,9}", c))
            return
        inner = element.find("InnerResults")
        if inner and inner.named(*self.records):
            # The rows of a data-driven test are the cases; the test is counted as well.
            self._n_faults += (element.get("outcome") or "").casefold() in self._FAULTS
            return
        outcome = element.get("outcome") or "Error"
        verdict = self._OUTCOMES.get(outcome.casefold()) or verdict_of(outcome) or UNKNOWN
        self._n_faults += verdict in ("failed", "error")
        word = None if outcome.casefold() in self._PLAIN else outcome
        said = element.find("Output", "ErrorInfo", "Message")
        message = _shorten_text(said.text()) or None if said else None
        result = Result(
            verdict,
            type=word if verdict in ("failed", "error") else None,
            message={
                "passed": None,
                "skipped": message or word,
                UNKNOWN: _shorten_text(outcome, _LONGEST_WORD),
            }.get(verdict, message),
            time=element.get("duration"),
            timestamp=element.get("startTime"),
            suite_timestamp=self._start,
        )
        self.add_case(
            name=element.get("testName"), results=[result], reference=element.get("testId")
        )

    def _add_run_info(self, element: _Element) -> None:
        text = element.text()
        outcome = element.get("outcome") or ""
        if verdict_of(outcome) not in ("passed", "skipped") and not self._REPEATED.fullmatch(text):
            self._faults.append(_shorten_text(text) or outcome)

    def _add_class(self, element: _Element) -> None:
        method = element.find("TestMethod")
        reference = _name(element.get("id"))
        if self._assembly is None:
            storage = re.split(r"[\\/]", element.get("storage") or "")[-1]
            self._assembly = _name(storage)
        classname = method.get("className") if method else None
        if reference and classname:
            # Without the name and version of the assembly.
            plain = classname if "[" in classname else classname.partition(",")[0]
            self.sink.test_class(reference, shorten_name(plain.strip()))


class _XUnitReport(_Report):
    """xUnit.net: assemblies with collections (version 2) or classes (version 1) of tests."""

    format = "xunit"
    records = frozenset({"test"})
    outside = frozenset({"error", "failure"})
    ignored = frozenset({"output", "traits", "stack-trace", "attachments"})

    _OUTCOMES: Mapping[str, str] = {"notrun": "skipped"}

    def __init__(self, sink: Sink, naming: Naming) -> None:
        super().__init__(sink, naming)
        self._start: str | None = None
        self._assembly: str | None = None
        self._collection: str | None = None
        self._framework: str | None = None
        self._number = 0
        self._n_counted = 0
        self._n_faults = 0

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "assembly":
            day, time = attributes.get("run-date"), attributes.get("run-time")
            self._start = attributes.get("start-rtf") or (f"{day} {time}" if day and time else None)
            # Without the folder that it was built in.
            self._assembly = _name(re.split(r"[\\/]", attributes.get("name", ""))[-1])
            self._number += 1
            self._n_faults = 0
            counts = (attributes.get(count, "") for count in ("failed", "errors"))
            self._n_counted = sum(int(c) for c in counts if re.fullmatch(r"[0-9]{1,9}", c))
            self._framework = attributes.get("target-framework") or attributes.get("environment")
            for key in ("environment", "test-framework", "target-framework"):
                self.add_property(self._assembly, key, attributes.get(key), self._number)
        elif name in ("collection", "class"):
            self._collection = attributes.get("name")

    def leave(self, name: str) -> None:
        if name == "assembly":
            unexplained = max(0, self._n_counted - self._n_faults)
            labels = (self._assembly, _name(self._framework), None)
            self.sink.suite(
                Suite(self._number, name=self._assembly, labels=labels, unexplained=unexplained)
            )
        elif name in ("collection", "class"):
            self._collection = None

    def record(self, element: _Element) -> None:
        if element.name != "test":
            self._outside(element)
            return
        word = (element.get("result") or "").strip()
        verdict = self._OUTCOMES.get(word.casefold()) or verdict_of(word)
        type_ = message = None
        if failure := element.find("failure"):
            type_ = _name(failure.get("exception-type"))
            said = failure.find("message")
            message = said.text() if said else failure.text()
            verdict = verdict if verdict not in (None, "passed", "skipped") else "failed"
        elif reason := element.find("reason"):
            message = reason.text()
        if verdict is None:
            # A test that does not say how it ended did not.
            verdict, message = (
                (UNKNOWN, _shorten_text(word, _LONGEST_WORD)) if word else ("skipped", message)
            )
        self._n_faults += verdict not in ("passed", "skipped")
        self.add_case(
            name=element.get("name") or element.get("method"),
            results=[
                Result(
                    verdict,
                    type_,
                    _shorten_text(message or "") or None,
                    element.get("time"),
                    element.get("start-rtf"),
                    self._start,
                )
            ],
            suite_number=self._number,
            classname=element.get("type") or self._collection,
            file=element.get("source-file"),
        )

    def _outside(self, element: _Element) -> None:
        """Keep the failure of a class (version 1) or of a clean-up (version 2)."""
        self._n_faults += 1
        kind = element.get("type") or ""
        failure = element.find("failure") or element
        said = failure.find("message")
        name = (
            element.get("name") if kind.startswith(("test-class", "class", "test-method")) else None
        )
        place: Place = "suite"
        if element.name == "error" and "cleanup" in kind:
            place = "teardown"
        elif element.name == "failure":
            place = "setup"
        self.add_outside(
            place,
            of=_name(name or self._collection) or self._assembly,
            type_=failure.get("exception-type"),
            message=said.text() if said else failure.text(),
            timestamp=self._start,
            suite_number=self._number,
        )


@dataclass
class _Fixture:
    """A suite of NUnit."""

    name: str | None
    attributes: Mapping[str, str]
    start: str | None
    message: str | None = None
    n_faults: int = 0


class _NUnitReport(_Report):
    """NUnit 3: suites for assembly, namespace, fixture and method around each case."""

    format = "nunit"
    records = frozenset({"test-case", "property"})
    outside = frozenset({"failure", "reason"})
    ignored = frozenset({"output", "properties", "stack-trace", "attachments", "assertions"})

    _OUTCOMES: Mapping[str, str] = {"warning": "passed"}
    _ERRORS = ("Error", "Invalid", "Cancelled")
    _PLACES: Mapping[str, Place] = {"SetUp": "setup", "TearDown": "teardown"}

    def __init__(self, sink: Sink, naming: Naming) -> None:
        super().__init__(sink, naming)
        self._suites: list[_Fixture] = []

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        if name in ("test-run", "test-suite"):
            start = attributes.get("start-time") or (
                self._suites[-1].start if self._suites else None
            )
            known = _name(attributes.get("fullname") or attributes.get("name"))
            self._suites.append(_Fixture(known, attributes, start))

    def leave(self, name: str) -> None:
        if name not in ("test-run", "test-suite"):
            return
        suite = self._suites.pop()
        if name == "test-suite" and self._failed_itself(suite):
            suite.n_faults += 1
            self._outside(suite)
        if self._suites:
            self._suites[-1].n_faults += suite.n_faults

    def _failed_itself(self, suite: _Fixture) -> bool:
        """Tell whether a suite failed for another reason than what is in it."""
        if verdict_of(suite.attributes.get("result", "")) in (None, "passed", "skipped"):
            return False
        site = suite.attributes.get("site")
        return site in self._PLACES or (site not in ("Child", "Parent") and not suite.n_faults)

    def _outside(self, suite: _Fixture) -> None:
        is_assembly = suite.attributes.get("type") == "Assembly"
        of = suite.attributes.get("classname") or suite.name or ""
        self.add_outside(
            self._PLACES.get(suite.attributes.get("site", ""), "suite"),
            of=_name(re.split(r"[\\/]", of)[-1] if is_assembly else of),
            message=suite.message,
            timestamp=suite.start,
        )

    def record(self, element: _Element) -> None:
        suite = self._suites[-1] if self._suites else _Fixture(None, {}, None)
        if element.name == "property":
            self.add_property(suite.name, element.get("name"), element.get("value"))
            return
        if element.name != "test-case":
            said = element.find("message")
            suite.message = suite.message or (said.text() if said else element.text())
            return
        word = (element.get("result") or "").strip()
        verdict = self._OUTCOMES.get(word.casefold()) or verdict_of(word)
        if verdict == "failed" and element.get("label") in self._ERRORS:
            verdict = "error"
        said = element.find("failure", "message") or element.find("reason", "message")
        message = (_shorten_text(said.text()) or None) if said and verdict != "passed" else None
        if verdict is None:
            verdict, message = (
                (UNKNOWN, _shorten_text(word, _LONGEST_WORD)) if word else ("skipped", message)
            )
        suite.n_faults += verdict not in ("passed", "skipped")
        name, classname = element.get("name"), element.get("classname")
        if name and classname and (suite.name or "").startswith(f"{classname}("):
            # A fixture with arguments: its cases have one class and one name for all of them.
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


_ROOTS: Mapping[str, type[_Report]] = {
    "testsuites": _JUnitReport,
    "testsuite": _JUnitReport,
    "TestRun": _TrxReport,
    "assemblies": _XUnitReport,
    "assembly": _XUnitReport,
    "test-run": _NUnitReport,
}


def _report(file: SourceFile, root: str, sink: Sink, naming: Naming) -> _Report:
    if root in _ROOTS:
        return _ROOTS[root](sink, naming)
    if root == "test-results":
        raise SourceFormatError(
            f"{file.name}: a report of NUnit 2; write it as NUnit 3 or JUnit XML"
        )
    raise SourceFormatError(
        f"{file.name}: no test report: its root element is {shorten_name(root)[:100]}, "
        f"not one of {', '.join(_ROOTS)}"
    )

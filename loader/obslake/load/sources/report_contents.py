"""The contents of a test report in any format: cases with their results, and suites."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, Protocol

from obslake.load.sources.suite_names import SuiteName, steady_name

# Longer texts are cut to bound the size of a row; a hash at the end keeps names different.
_LONGEST_NAME = 2_000
LONGEST_TEXT = 10_000
LONGEST_PROPERTY = 1_000
LONGEST_WORD = 100


@dataclass(frozen=True)
class Result:
    """How one attempt at a case ended.

    Attributes:
        verdict: ``passed``, ``failed``, ``error``, ``skipped``, ``timeout``, ``crash``, or ``other`` for an
            unknown word, which is its message.
        type: class of the exception, if the report names it.
        message: message of the failure, or reason for a skip.
        time: duration, as written.
        timestamp: start of the attempt, as written.
        suite_timestamp: start of its suite, as written.
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
        number: number that its cases refer to; 0 for cases outside all suites.
        written: the name as written, if it differs from ``name``.
        name: the name without parts that differ in every run.
        project: browser, device or the like that executed its cases; it is their environment.
        labels: texts that distinguish it from other suites with its name, in order of preference.
        unexplained: number of failures and errors that it counts beyond those of its cases and errors.
        missing: number of cases that it counts beyond those in the report.
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
        suite_number: number of its suite.
        suite: outermost suite around it with a meaningful name.
        group: names of the suites between that one and the case.
        any_suite: outermost suite around it with any name.
        classname: class, module or file of the test.
        name: name of the test, with its parameters.
        file: source file of the test.
        reference: id of its class elsewhere in the report.
        results: its attempts, in order.
        is_outside: whether it represents a failure outside all cases, and is named after its place.
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
    """Receives the contents of a report."""

    def case(self, case: Case) -> None:
        """Take a test case."""

    def suite(self, suite: Suite) -> None:
        """Take a suite, after its cases."""

    def property(self, suite_number: int, suite: str, name: str, value: str) -> None:
        """Take a property of a suite or of the whole run."""

    def test_class(self, reference: str, classname: str) -> None:
        """Take the class that cases refer to."""


@dataclass(frozen=True)
class ReportSummary:
    """Summary of a report.

    Attributes:
        format: ``junit``, ``trx``, ``xunit`` or ``nunit``.
        n_cases: number of test cases.
        n_replaced: number of replaced characters that XML does not allow.
    """

    format: str
    n_cases: int
    n_replaced: int


@dataclass(frozen=True)
class Naming:
    """The user's options for names.

    Attributes:
        keeps_names: keep the names of suites unchanged.
        environment_from: attribute or property of a suite that is part of the environment.
    """

    keeps_names: bool = False
    environment_from: str | None = None

    def steady(self, name: str | None) -> SuiteName:
        """Return a name without the parts that differ in every run, unless the user keeps them."""
        known = known_name(name) or ""
        return SuiteName(known) if self.keeps_names else steady_name(known)


def shorten_name(text: str) -> str:
    """Cut a name that is too long, and keep it different from others."""
    if len(text) <= _LONGEST_NAME:
        return text
    digest = sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"{text[:_LONGEST_NAME]}…{digest[:16]}"


def shorten_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """Cut a text that is too long."""
    return text if len(text) <= longest else text[:longest] + "…"


def known_name(text: str | None) -> str | None:
    """Return a name without surrounding blanks, shortened; None if nothing is left."""
    return shorten_name(text.strip()) or None if text else None

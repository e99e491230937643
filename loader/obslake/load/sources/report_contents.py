"""What a test report says, in whichever format: cases with their results, and suites."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, Protocol

from obslake.load.sources.suite_names import SuiteName, steady_name

# Longer texts are cut, so that a row has a bounded size: names stay different by a hash at their end.
_LONGEST_NAME = 2_000
LONGEST_TEXT = 10_000
LONGEST_PROPERTY = 1_000
LONGEST_WORD = 100


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
        known = known_name(name) or ""
        return SuiteName(known) if self.keeps_names else steady_name(known)


def shorten_name(text: str) -> str:
    """Cut a name that is too long to be one, and keep it different from others."""
    if len(text) <= _LONGEST_NAME:
        return text
    digest = sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"{text[:_LONGEST_NAME]}…{digest[:16]}"


def shorten_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """Cut a text that is too long to be kept."""
    return text if len(text) <= longest else text[:longest] + "…"


def known_name(text: str | None) -> str | None:
    """Return a name, None where there is none."""
    return shorten_name(text.strip()) or None if text else None

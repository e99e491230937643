"""xUnit.net test reports."""

import re
from collections.abc import Mapping

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
from obslake.load.sources.status_words import UNKNOWN, verdict_of


class XUnitReport(Report):
    """xUnit.net: assemblies with collections (version 2) or classes (version 1) of tests."""

    format = "xunit"
    records = frozenset({"test"})
    outside = frozenset({"error", "failure"})
    ignored = frozenset({"output", "traits", "stack-trace", "attachments"})

    _OUTCOMES: Mapping[str, str] = {"notrun": "skipped"}

    def __init__(self, sink: Sink, naming: Naming) -> None:
        """Start before the first assembly."""
        super().__init__(sink, naming)
        self._start: str | None = None
        self._assembly: str | None = None
        self._collection: str | None = None
        self._framework: str | None = None
        self._number = 0
        self._n_counted = 0
        self._n_faults = 0

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        """Start an assembly, a collection or a class."""
        if name == "assembly":
            day, time = attributes.get("run-date"), attributes.get("run-time")
            self._start = attributes.get("start-rtf") or (f"{day} {time}" if day and time else None)
            # Remove the folder that it was built in.
            self._assembly = known_name(re.split(r"[\\/]", attributes.get("name", ""))[-1])
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
        """End an assembly, a collection or a class."""
        if name == "assembly":
            unexplained = max(0, self._n_counted - self._n_faults)
            labels = (self._assembly, known_name(self._framework), None)
            self.sink.suite(
                Suite(self._number, name=self._assembly, labels=labels, unexplained=unexplained)
            )
        elif name in ("collection", "class"):
            self._collection = None

    def record(self, element: Element) -> None:
        """Record a test, or a failure outside the tests."""
        if element.name != "test":
            self._outside(element)
            return
        word = (element.get("result") or "").strip()
        verdict = self._OUTCOMES.get(word.casefold()) or verdict_of(word)
        type_ = message = None
        if failure := element.find("failure"):
            type_ = known_name(failure.get("exception-type"))
            detail = failure.find("message")
            message = detail.text() if detail else failure.text()
            verdict = verdict if verdict not in (None, "passed", "skipped") else "failed"
        elif reason := element.find("reason"):
            message = reason.text()
        if verdict is None:
            # A test without a result was not executed.
            verdict, message = (
                (UNKNOWN, shorten_text(word, LONGEST_WORD)) if word else ("skipped", message)
            )
        self._n_faults += verdict not in ("passed", "skipped")
        self.add_case(
            name=element.get("name") or element.get("method"),
            results=[
                Result(
                    verdict,
                    type_,
                    shorten_text(message or "") or None,
                    element.get("time"),
                    element.get("start-rtf"),
                    self._start,
                )
            ],
            suite_number=self._number,
            classname=element.get("type") or self._collection,
            file=element.get("source-file"),
        )

    def _outside(self, element: Element) -> None:
        """Record the failure of a class (version 1) or of a clean-up (version 2)."""
        self._n_faults += 1
        kind = element.get("type") or ""
        failure = element.find("failure") or element
        detail = failure.find("message")
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
            of=known_name(name or self._collection) or self._assembly,
            type_=failure.get("exception-type"),
            message=detail.text() if detail else failure.text(),
            timestamp=self._start,
            suite_number=self._number,
        )

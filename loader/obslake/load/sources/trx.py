"""TRX test reports of MSTest and ``dotnet test``."""

import re
from collections.abc import Mapping

from obslake.load.sources.report_contents import (
    LONGEST_WORD,
    Naming,
    Result,
    Sink,
    Suite,
    known_name,
    shorten_name,
    shorten_text,
)
from obslake.load.sources.report_formats import Element, Report
from obslake.load.sources.status_words import UNKNOWN, verdict_of


class TrxReport(Report):
    """TRX of MSTest and ``dotnet test``: classes and results are separate."""

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

    # Words with another meaning in this format: a test that did not end is an error.
    _OUTCOMES: Mapping[str, str] = {"timeout": "error", "warning": "passed"}
    # Outcomes that add nothing to the verdict.
    _PLAIN = frozenset({"passed", "failed", "error", "notexecuted"})
    _FAULTS = ("failed", "error", "timeout", "aborted")
    # The xUnit.net runner repeats its output for each case in RunInfo.
    _REPEATED = re.compile(r"\s*\[xUnit\.net [\d:.]+\].*\[(?:FAIL|SKIP)\]\s*", re.DOTALL)

    def __init__(self, sink: Sink, naming: Naming) -> None:
        """Start before the first result."""
        super().__init__(sink, naming)
        self._start: str | None = None
        self._assembly: str | None = None
        self._outcome = ""
        self._n_faults = 0
        self._n_counted = 0
        self._faults: list[str] = []

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        """Store the start and the outcome of the run."""
        if name == "Times":
            self._start = attributes.get("start")
        elif name == "ResultSummary":
            self._outcome = attributes.get("outcome", "")

    def leave(self, name: str) -> None:
        """Record the failures of the run as a whole."""
        if name != "TestRun":
            return
        ended_badly = self._outcome.casefold() in ("aborted", "error", "timeout", "disconnected")
        has_no_reason = self._outcome.casefold() == "failed" and not self._n_faults
        if self._faults or ended_badly or has_no_reason:
            message = "\n".join(self._faults) or f"the run ended as {self._outcome}"
            self.add_outside("suite", of=self._assembly, message=message, timestamp=self._start)
        unexplained = max(0, self._n_counted - self._n_faults)
        self.sink.suite(Suite(0, name=self._assembly, unexplained=unexplained))

    def record(self, element: Element) -> None:
        """Record a class, a result, or a message about the run."""
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
            # The rows of a data-driven test are its cases; the counters include the test as well.
            self._n_faults += (element.get("outcome") or "").casefold() in self._FAULTS
            return
        outcome = element.get("outcome") or "Error"
        verdict = self._OUTCOMES.get(outcome.casefold()) or verdict_of(outcome) or UNKNOWN
        self._n_faults += verdict in ("failed", "error")
        word = None if outcome.casefold() in self._PLAIN else outcome
        detail = element.find("Output", "ErrorInfo", "Message")
        message = shorten_text(detail.text()) or None if detail else None
        result = Result(
            verdict,
            type=word if verdict in ("failed", "error") else None,
            message={
                "passed": None,
                "skipped": message or word,
                UNKNOWN: shorten_text(outcome, LONGEST_WORD),
            }.get(verdict, message),
            time=element.get("duration"),
            timestamp=element.get("startTime"),
            suite_timestamp=self._start,
        )
        self.add_case(
            name=element.get("testName"), results=[result], reference=element.get("testId")
        )

    def _add_run_info(self, element: Element) -> None:
        text = element.text()
        outcome = element.get("outcome") or ""
        if verdict_of(outcome) not in ("passed", "skipped") and not self._REPEATED.fullmatch(text):
            self._faults.append(shorten_text(text) or outcome)

    def _add_class(self, element: Element) -> None:
        method = element.find("TestMethod")
        reference = known_name(element.get("id"))
        if self._assembly is None:
            storage = re.split(r"[\\/]", element.get("storage") or "")[-1]
            self._assembly = known_name(storage)
        classname = method.get("className") if method else None
        if reference and classname:
            # Remove the name and version of the assembly.
            plain = classname if "[" in classname else classname.partition(",")[0]
            self.sink.test_class(reference, shorten_name(plain.strip()))

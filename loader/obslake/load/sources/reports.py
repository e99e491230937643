"""Read test reports case by case: JUnit XML in its dialects, TRX, xUnit.net and NUnit.

This module and those of the formats read the files; ``sql/junit.sql`` turns their contents into observations.
"""

from collections.abc import Callable, Mapping

from obslake.errors import SourceFormatError
from obslake.load.sources.files import SourceFile
from obslake.load.sources.junit_xml import JUnitReport
from obslake.load.sources.nunit import NUnitReport
from obslake.load.sources.report_contents import Naming, ReportSummary, Sink, shorten_name
from obslake.load.sources.report_formats import Element, Report
from obslake.load.sources.trx import TrxReport
from obslake.load.sources.xml_stream import read_xml
from obslake.load.sources.xunit import XUnitReport

_MOST_ELEMENTS = 1_000

_ROOTS: Mapping[str, type[Report]] = {
    "testsuites": JUnitReport,
    "testsuite": JUnitReport,
    "TestRun": TrxReport,
    "assemblies": XUnitReport,
    "assembly": XUnitReport,
    "test-run": NUnitReport,
}


def read_report(file: SourceFile, sink: Sink, naming: Naming) -> ReportSummary:
    """Read a report of any format.

    Raises:
        SourceFormatError: the file is broken or not a test report.
    """
    events = _ReportEvents(file, sink, naming)
    n_replaced = read_xml(file, events)
    return ReportSummary(events.report.format, events.report.n_cases, n_replaced)


class _ReportEvents:
    """Keeps only the elements of the current record."""

    report: "Report"

    def __init__(self, file: SourceFile, sink: Sink, naming: Naming) -> None:
        self._file = file
        self._sink = sink
        self._naming = naming
        self._is_root = True
        # For each open element, the action at its end.
        self._ends: list[Callable[[], None]] = []
        self._open: list[Element | None] = []
        self._n_kept = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._is_root:
            self._is_root = False
            self.report = _report(self._file, name, self._sink, self._naming)
        name = self.report.spellings.get(name.casefold(), name)
        inside = self._open[-1] if self._open else None
        is_record = name in self.report.records or (
            # Inside a record the element is a part of it.
            inside is None and name in self.report.outside
        )
        if is_record and not self._in_ignored():
            element = Element(name, attributes)
            self._n_kept = 0
            if inside is not None and not inside.named(name):
                # The outer record keeps one empty child as a mark; each inner element is its own record.
                inside.children.append(Element(name))
            self._push(element, lambda: self.report.record(element))
        elif inside is not None:
            self._n_kept += 1
            ignored = name in self.report.ignored or self._n_kept > _MOST_ELEMENTS
            child = None if ignored else Element(name, attributes)
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

    def _push(self, element: Element | None, end: Callable[[], None]) -> None:
        self._open.append(element)
        self._ends.append(end)


def _nothing() -> None:
    pass


def _report(file: SourceFile, root: str, sink: Sink, naming: Naming) -> Report:
    if root in _ROOTS:
        return _ROOTS[root](sink, naming)
    if root == "test-results":
        raise SourceFormatError(f"{file.name}: an NUnit 2 report; write it as NUnit 3 or JUnit XML")
    raise SourceFormatError(
        f"{file.name}: not a test report: its root element is {shorten_name(root)[:100]}, "
        f"not one of {', '.join(_ROOTS)}"
    )

"""Compare the outcomes of two runs of a suite."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bench.suites.running import Run

OUTCOME = slice(0, 3)
"""The phase, the outcome and the first line of a report's message; its last item is the full text."""


@dataclass
class Comparison:
    """The differences between a run without the recorder and one with it.

    Attributes:
        tests: tests with another outcome or reason: id, without, with.
        texts: tests with a difference only in the rest of the report: id, without, with.
        warnings: warnings whose number differs, with the difference.
        others: exit status, order of the tests.
    """

    tests: list[tuple[str, Any, Any]] = field(default_factory=list)
    texts: list[tuple[str, str, str]] = field(default_factory=list)
    warnings: list[tuple[Any, int]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not (self.tests or self.texts or self.warnings or self.others)

    def words(self) -> str:
        """Summarise the differences."""
        if self.is_same:
            return "same"
        parts = [
            f"{len(found)} {name}"
            for name, found in (
                ("outcomes", self.tests),
                ("texts", self.texts),
                ("warnings", self.warnings),
            )
            if found
        ]
        return ", ".join([*parts, *self.others])

    def as_json(self) -> dict[str, Any]:
        """Return all differences."""
        return vars(self)

    def less(self, other: "Comparison") -> "Comparison":
        """Return the differences without the tests and warnings that also differ in another comparison."""
        tests = {node_id for node_id, *_ in (*other.tests, *other.texts)}
        warnings = {str(warning) for warning, _ in other.warnings}
        return Comparison(
            [entry for entry in self.tests if entry[0] not in tests],
            [entry for entry in self.texts if entry[0] not in tests],
            [entry for entry in self.warnings if str(entry[0]) not in warnings],
            [entry for entry in self.others if entry not in other.others],
        )

    def plus(self, other: "Comparison") -> "Comparison":
        """Return the differences of both comparisons."""
        return Comparison(
            [*self.tests, *other.tests],
            [*self.texts, *other.texts],
            [*self.warnings, *other.warnings],
            [*self.others, *other.others],
        )


def compare(without: Run, with_: Run) -> Comparison:
    """Compare two runs."""
    found = Comparison()
    if without.exit_status != with_.exit_status:
        found.others.append(f"exit status {without.exit_status} and {with_.exit_status}")
    if with_.outcomes is None or without.outcomes is None:
        found.others.append("a run wrote no outcomes")
        return found
    ids = list(without.by_test)
    if sorted(ids) == sorted(with_.by_test) and ids != list(with_.by_test):
        found.others.append("different order of tests")
    for node_id in dict.fromkeys([*ids, *with_.by_test]):
        first, second = without.by_test.get(node_id, []), with_.by_test.get(node_id, [])
        if first == second:
            continue
        outcomes = [[report[OUTCOME] for report in reports] for reports in (first, second)]
        if outcomes[0] != outcomes[1]:
            found.tests.append((node_id, *_only_different(*outcomes)))
        else:
            texts = next((a[3], b[3]) for a, b in zip(first, second, strict=True) if a != b)
            found.texts.append((node_id, *_first_difference(*texts)))
    counts = [
        Counter(map(tuple, run.outcomes["warnings"])) for run in (without, with_) if run.outcomes
    ]
    for warning in counts[0].keys() | counts[1].keys():
        if counts[0][warning] != counts[1][warning]:
            found.warnings.append((warning, counts[1][warning] - counts[0][warning]))
    return found


def _only_different(first: list[Any], second: list[Any]) -> tuple[Any, Any]:
    pairs = list(zip(first, second, strict=False))
    if len(first) == len(second):
        pairs = [pair for pair in pairs if pair[0] != pair[1]]
        return [a for a, _ in pairs][:3], [b for _, b in pairs][:3]
    missing = [report for report in first if report not in second]
    added = [report for report in second if report not in first]
    return [f"{len(first)} reports", *missing[:3]], [f"{len(second)} reports", *added[:3]]


def _first_difference(first: str, second: str) -> tuple[str, str]:
    lines = first.splitlines(), second.splitlines()
    for a, b in zip(*lines, strict=False):
        if a != b:
            return a[:300], b[:300]
    return f"{len(lines[0])} lines", f"{len(lines[1])} lines"

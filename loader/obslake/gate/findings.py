"""What a gate found, whatever the form in which it is printed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

# The worst first. Each may be named in `--fail-on`, but for those that are no news.
KINDS = (
    *("regressed", "new-failing", "gone", "changed", "flaky", "slower"),
    *("skipped", "edited", "fixed", "unskipped", "new"),
)
MAY_FAIL = ("regressed", "new-failing", "gone", "changed", "flaky", "slower", "skipped")

# Environments with these statuses fail the gate, whatever `--fail-on` says: their tests have said nothing.
FAILING_STATUSES = ("not run", "broken", "incomplete")


@dataclass(frozen=True)
class Environment:
    """What is compared in an environment.

    Attributes:
        name: the environment.
        status: ``compared``, ``no base``, ``not run``, ``broken`` or ``incomplete``.
        base_revision: the last revision up to the base that ran there; None: there is none.
        base_tests: tests that it executed.
        base_failing: those of them that failed.
        tests: tests that the head executed.
        failing: those of them that failed.
        skipped: tests that the head recorded and did not execute.
        runs: runs of the head that count.
        set_aside: runs of the head that are set aside.
        reason: why they are; None: there are none.
    """

    name: str
    status: str
    base_revision: str | None = None
    base_tests: int = 0
    base_failing: int = 0
    tests: int = 0
    failing: int = 0
    skipped: int = 0
    runs: int = 0
    set_aside: int = 0
    reason: str | None = None

    @property
    def fails(self) -> bool:
        """Whether the gate fails because of the environment itself."""
        return self.status in FAILING_STATUSES


@dataclass(frozen=True)
class Finding:
    """One difference between head and base in one environment.

    Attributes:
        kind: one of ``KINDS``.
        change: class of the change in the mart ``behavior_changes``; None: the response is the same.
        counts: whether it fails the gate.
        excuse: why it does not, although its kind does; None: nothing excuses it.
        evidence: what is known about the history or the duration; empty: nothing.
    """

    environment: str
    problem: str
    test: str
    step: int
    kind: str
    change: str | None = None
    before: str | None = None
    after: str | None = None
    previous_revision: str | None = None
    run: str | None = None
    is_known_flaky: bool = False
    executions: int | None = None
    same_executions: int | None = None
    executions_before: int | None = None
    same_before: int | None = None
    flips: int | None = None
    last_flip_at: datetime | None = None
    before_ms: float | None = None
    after_ms: float | None = None
    evidence: str = ""
    counts: bool = False
    excuse: str | None = None

    @property
    def stimulus(self) -> str:
        """The test, and the step if it has several."""
        return f"{self.test} · step {self.step}" if self.step else self.test


@dataclass(frozen=True)
class FailureGroup:
    """Wrong responses of the head with one message."""

    message: str
    tests: int
    environments: int
    example_problem: str
    example_test: str


@dataclass(frozen=True)
class Allowed:
    """What became of an entry of the list of known failures.

    Attributes:
        place: file and line.
        pattern: pattern of tests.
        tests: the pattern, with the only environment and problem that it is for.
        reason: why they may fail.
        until: last day on which they may; None: always.
        is_expired: whether that day is over.
        findings: number of findings that it excuses, or would excuse if it had not expired.
        is_known: whether there is such a test.
    """

    place: str
    pattern: str
    tests: str
    reason: str
    until: str | None
    is_expired: bool
    findings: int
    is_known: bool


@dataclass(frozen=True)
class Gate:
    """What a head changed against a base, and whether it fails.

    Attributes:
        base: revision to compare with; None: the head is the first of its lineage.
        snapshot_id: snapshot of the observations that the marts were built from; None: the marts do not say.
        notes: what else a reader has to know, as sentences.
    """

    data_set: str
    lineage: str | None
    head: str
    base_lineage: str | None
    base: str | None
    fail_on: tuple[str, ...]
    snapshot_id: int | None
    environments: tuple[Environment, ...]
    findings: tuple[Finding, ...]
    failures: tuple[FailureGroup, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def fails(self) -> bool:
        """Whether the gate fails."""
        return any(e.fails for e in self.environments) or any(f.counts for f in self.findings)

    @property
    def verdict(self) -> str:
        """One line: whether it fails, and why."""
        counted = count_kinds(f for f in self.findings if f.counts)
        broken = [f"{e.name} is {e.status}" for e in self.environments if e.fails]
        return f"failed: {', '.join([*counted, *broken])}" if self.fails else "passed"

    @property
    def sorted_findings(self) -> list[Finding]:
        """The findings, the worst first."""
        return sorted(self.findings, key=_severity)

    @property
    def title(self) -> str:
        """One line: what is compared."""
        base = self.base or "nothing"
        if self.base_lineage and self.base_lineage != self.lineage:
            base = f"{base} of {self.base_lineage}"
        of_lineage = f", lineage {self.lineage}" if self.lineage else ""
        return f"{self.head} against {base}, data set {self.data_set}{of_lineage}"


def count_kinds(findings: Iterable[Finding]) -> list[str]:
    """Return how many findings there are of each kind, the worst first; one test counts once."""
    tests = {(f.kind, f.problem, f.test) for f in findings}
    counted = Counter(kind for kind, *_ in tests)
    return [f"{counted[kind]:,} {kind}" for kind in KINDS if counted[kind]]


def _severity(finding: Finding) -> tuple[object, ...]:
    kind = KINDS.index(finding.kind)
    return (
        not finding.counts,
        kind,
        finding.problem,
        finding.test,
        finding.step,
        finding.environment,
    )


@dataclass(frozen=True)
class Line:
    """Equal findings in several environments."""

    finding: Finding
    environments: tuple[str, ...]


def lines_of(findings: Iterable[Finding]) -> list[Line]:
    """Return findings, the worst first, those of several environments as one."""
    found: dict[object, list[Finding]] = {}
    for each in sorted(findings, key=_severity):
        same = (each.counts, each.kind, each.problem, each.test, each.step, each.before, each.after)
        found.setdefault((*same, each.excuse), []).append(each)
    return [Line(group[0], tuple(f.environment for f in group)) for group in found.values()]

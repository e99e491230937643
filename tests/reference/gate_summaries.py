"""A naive computation of the functions `gate_runs`, `failing_since` and `failure_groups`, in plain Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .gating import sides_of
from .naive import LatestStateRow, LineageStateRow, Marts, Revision, group

# What differs from run to run in a message.
_VARYING = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|0x[0-9a-fA-F]+|[0-9a-f]{16,64}|[0-9]+([.,:][0-9]+)*"
)


@dataclass(frozen=True)
class GateRunRow:
    """Columns of one row of the function `gate_runs`."""

    lineage: str
    environment_id: str
    status: str
    base_lineage: str | None
    base_revision: str | None
    n_base_tests: int
    n_base_failing: int
    n_head_tests: int
    n_head_failing: int
    n_head_skipped: int
    n_runs: int
    n_set_aside: int
    set_aside_reason: str | None


@dataclass(frozen=True)
class FailingRow:
    """Columns of one row of the function `failing_since`."""

    problem_id: str
    environment_id: str
    test_id: str
    step_id: int
    state: str
    first_wrong_revision: str | None
    first_wrong_implementation_id: str
    first_wrong_at: datetime | None
    last_right_revision: str | None


@dataclass(frozen=True)
class FailureRow:
    """Columns of one row of the function `failure_groups`."""

    response_kind: str
    message: str
    n_tests: int
    n_environments: int
    example_problem_id: str
    example_test_id: str
    example_environment_id: str
    example_response: str


def name_of(revision: Revision) -> str:
    """Return the name of a revision, which can be empty, or that of its implementation."""
    return revision.implementation_id if revision.revision is None else revision.revision


def is_failing(state: LineageStateRow) -> bool:
    """Return whether an executed stimulus has a wrong response."""
    return state.is_executed and state.is_right is False


def gate_runs(
    marts: Marts, revisions: Sequence[Revision], data_set_id: str, head: str, base: str | None
) -> list[GateRunRow]:
    """Return how much of a head and of its base ran in each environment, in each lineage of the head."""
    mine = [r for r in revisions if r.data_set_id == data_set_id]
    states = [s for s in marts.lineage_states if s.data_set_id == data_set_id]
    found = []
    for lineage, base_lineage, heads, older in sides_of(mine, head, base):
        base_place = max((r.place for r in older), default=0)
        sides = {
            True: {(r.problem_id, r.implementation_id) for r in heads},
            False: {(r.problem_id, r.implementation_id) for r in older if r.place == base_place},
        }
        runs = [
            (is_head, row)
            for row in marts.response_signatures
            for is_head, side in sides.items()
            if row.data_set_id == data_set_id and (row.problem_id, row.implementation_id) in side
        ]
        for environment, of_environment in group(runs, lambda run: run[1].environment_id).items():
            head_here = [r for r in heads if r.environment_id == environment]
            older_here = [r for r in older if r.environment_id == environment]
            last = max((r.place for r in older_here), default=0)
            base_here = [r for r in older_here if r.place == last]
            of_head = {(row.run_id, row.is_set_aside) for is_head, row in of_environment if is_head}
            set_aside = {run for run, is_set_aside in of_head if is_set_aside}
            reasons = [
                row.set_aside_reason or ""
                for row in marts.runs
                if (row.data_set_id, row.environment_id) == (data_set_id, environment)
                and row.run_id in set_aside
            ]
            n_head, head_failing, skipped = count_tests(states, head_here)
            n_base, base_failing, _ = count_tests(states, base_here)
            if not head_here:
                status = "broken" if set_aside else "not run"
            elif 2 * n_head <= n_base:
                status = "incomplete"
            else:
                status = "compared" if base_here else "no base"
            found.append(
                GateRunRow(
                    lineage, environment, status, base_lineage if head_here or base_here else None,
                    max(map(name_of, base_here), default=None),
                    n_base, base_failing, n_head, head_failing, skipped,
                    len(of_head) - len(set_aside), len(set_aside), max(reasons, default=None),
                )
            )  # fmt: skip
    return found


def count_tests(
    states: Iterable[LineageStateRow], revisions: Sequence[Revision]
) -> tuple[int, int, int]:
    """Return how many tests some revisions executed, how many of these fail, and how many they skipped."""
    keys = {(r.lineage, r.problem_id, r.environment_id, r.implementation_id) for r in revisions}
    tests = group(
        (
            s
            for s in states
            if (s.lineage, s.problem_id, s.environment_id, s.implementation_id) in keys
        ),
        lambda s: (s.problem_id, s.test_id),
    ).values()
    executed = [test for test in tests if any(s.is_executed for s in test)]
    failing = [test for test in executed if any(map(is_failing, test))]
    return len(executed), len(failing), len(tests) - len(executed)


def failing_since(
    latest: Iterable[LatestStateRow], data_set_id: str, lineage: str
) -> list[FailingRow]:
    """Return the stimuli of a lineage that are wrong now."""
    return [
        FailingRow(
            row.problem_id, row.environment_id, row.test_id, row.step_id, row.state,
            row.first_wrong_revision, row.first_wrong_implementation_id, row.first_wrong_at,
            row.last_right_revision,
        )
        for row in latest
        if (row.data_set_id, row.lineage) == (data_set_id, lineage)
        and row.first_wrong_implementation_id is not None
        and row.state != "gone"
    ]  # fmt: skip


def failure_groups(
    states: Iterable[LineageStateRow], data_set_id: str, revision: str
) -> list[FailureRow]:
    """Return the wrong responses of a revision, those with the same message in one row."""
    wrong = [
        s
        for s in states
        if s.data_set_id == data_set_id
        and revision in (s.revision, s.implementation_id)
        and is_failing(s)
    ]
    found = []
    for (kind, message), alike in group(
        wrong, lambda s: (s.response_kind, _VARYING.sub("…", s.response.split("\n")[0][:300]))
    ).items():
        first = min(alike, key=lambda s: (s.problem_id, s.test_id, s.step_id, s.environment_id))
        found.append(
            FailureRow(
                kind, message, len({(s.problem_id, s.test_id) for s in alike}),
                len({s.environment_id for s in alike}), first.problem_id, first.test_id,
                first.environment_id, first.response,
            )
        )  # fmt: skip
    return found

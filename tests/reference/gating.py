"""A naive computation of the functions `gate`, `flaky_tests` and `slower_tests`, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .naive import (
    ORACLE,
    ChangeRow,
    CubeRow,
    Description,
    LineageCell,
    Revision,
    Stimulus,
    build_flaky,
    change_row,
    changes_of_revision,
    content_of_test,
    executed,
    group,
    latest_value,
    with_contents,
)

LAST = 50
_SUSPECT = ("regressed", "new-failing", "changed")


@dataclass(frozen=True)
class Execution:
    """An executed row, with what it may be compared with, and its place in time."""

    row: CubeRow
    content: str
    order: tuple[Any, ...]


@dataclass(frozen=True)
class GateRow:
    """Columns of one row of the function `gate`."""

    lineage: str
    base_lineage: str | None
    environment_id: str
    problem_id: str
    test_id: str
    step_id: int
    finding: str
    change: str | None
    is_known_flaky: bool
    was_right: bool | None
    is_right: bool | None
    previous_response: str | None
    response: str | None
    n_executions: int | None
    n_same: int | None
    n_before: int | None
    n_same_before: int | None
    n_flips: int | None


def upper_bound(part: int, whole: int) -> float:
    """Return the upper bound of Wilson's 95 % interval of a share."""
    z, p = 1.959964, part / whole
    centre = p + z * z / (2 * whole)
    half = z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    return (centre + half) / (1 + z * z / whole)


def executions_of(
    rows: Iterable[CubeRow], place_of: dict[tuple[str, str, str], tuple[Any, ...]]
) -> list[Execution]:
    """Return the executed rows of some implementations in environments, oldest first."""
    found = []
    for sequence in group(
        executed(rows),
        lambda r: (
            r.problem_id, r.test_id, r.implementation_id, r.environment_id, r.run_id, r.attempt
        ),
    ).values():  # fmt: skip
        for row, _, content_hash in with_contents(sequence):
            place = place_of.get((row.problem_id, row.environment_id, row.implementation_id))
            if place is not None:
                order = (*place, row.observed_at, row.run_id, row.attempt)
                content = content_of_test(row) or content_hash or ""
                found.append(Execution(row, content, order))
    return sorted(found, key=lambda e: e.order)


def flips_of(executions: Sequence[Execution]) -> tuple[int, int]:
    """Return how many executions are flips, and how many disagree with the same implementation right before."""
    flips = disagreements = 0
    for number, one in enumerate(executions):
        before = executions[number - 1] if number else None
        after = executions[number + 1] if number + 1 < len(executions) else None
        if before is None or before.row.response_hash == one.row.response_hash:
            continue
        disagrees = before.row.implementation_id == one.row.implementation_id
        returns = after is not None and after.row.response_hash == before.row.response_hash
        disagreements += disagrees
        flips += disagrees or returns
    return flips, disagreements


def finding_of(change: ChangeRow) -> str:
    """Return the finding for a change."""
    fails = change.is_right is False
    if change.change == "new and failing" or (change.change == "unskipped" and fails):
        return "new-failing"
    if change.change == "stimulus changed":
        return "new-failing" if fails and change.was_right is not False else "edited"
    return "changed" if change.change == "changed, both wrong" else change.change


def gate(
    cube: Sequence[CubeRow],
    revisions: Sequence[Revision],
    cells: Sequence[LineageCell],
    data_set_id: str,
    head: str,
    base: str | None,
) -> list[GateRow]:
    """Return the findings about a head, in each lineage that has it.

    Args:
        cube: rows that count.
        revisions: all revisions.
        cells: what became of each stimulus in each of them.
        data_set_id: data set of the revisions.
        head: revision or implementation.
        base: the same; None: the revision before the head.
    """
    mine = [r for r in revisions if r.data_set_id == data_set_id]
    rows = [r for r in cube if r.data_set_id == data_set_id and r.implementation_id != ORACLE]
    cells_of = group((c for c in cells if c.row.data_set_id == data_set_id), lambda c: c.revision)

    found = []
    for lineage, base_lineage, heads, older in sides_of(mine, head, base):
        head_place = heads[0].place
        changes = changes_of_head(heads, older, cells_of)
        place_of = {
            (r.problem_id, r.environment_id, r.implementation_id): (0, r.place)
            for r in older
            if base_lineage != lineage
        }
        place_of |= {
            (r.problem_id, r.environment_id, r.implementation_id): (1, r.place)
            for r in mine
            if r.lineage == lineage and r.place <= head_place
        }
        history = group(
            executions_of(rows, place_of),
            lambda e: (e.row.problem_id, e.row.environment_id, e.row.test_id, e.row.step_id),
        )
        found += judged(lineage, base_lineage, heads, changes, cells_of, history, rows)
    return found


def sides_of(
    revisions: Sequence[Revision], head: str, base: str | None
) -> Iterator[tuple[str, str | None, list[Revision], list[Revision]]]:
    """Yield each lineage of the head, the lineage of its base, the head, and the base with all before it."""
    bases = places_of(revisions, base) if base else None
    for lineage, head_place in places_of(revisions, head).items():
        base_lineage, base_place = base_of(revisions, lineage, head_place, bases)
        heads = [r for r in revisions if (r.lineage, r.place) == (lineage, head_place)]
        older = [r for r in revisions if r.lineage == base_lineage and r.place <= base_place]
        yield lineage, base_lineage, heads, older


def places_of(revisions: Sequence[Revision], name: str) -> dict[str, int]:
    """Return the last place of a revision or implementation in each lineage that has it."""
    named = [r for r in revisions if name in (r.revision, r.implementation_id)]
    return {k: max(r.place for r in v) for k, v in group(named, lambda r: r.lineage).items()}


def base_of(
    revisions: Sequence[Revision], lineage: str, head_place: int, named: dict[str, int] | None
) -> tuple[str | None, int]:
    """Return lineage and place of the base; no lineage if there is none."""
    if named is None:
        before = [r.place for r in revisions if r.lineage == lineage and r.place < head_place]
        return (lineage, max(before)) if before else (None, 0)
    chosen = lineage if lineage in named else min(named, default=None)
    return (chosen, named[chosen]) if chosen is not None else (None, 0)


def changes_of_head(
    heads: Sequence[Revision],
    older: Sequence[Revision],
    cells_of: dict[Revision, list[LineageCell]],
) -> list[ChangeRow]:
    """Return what the head changed, compared with the last executed responses of older revisions."""
    changes: list[ChangeRow] = []
    environments = {r.environment_id for r in heads}
    last_place = {
        k: max(r.place for r in v) for k, v in group(older, lambda r: r.environment_id).items()
    }
    head_of = {(r.problem_id, r.environment_id): r for r in heads}
    older_of = group(older, lambda r: (r.problem_id, r.environment_id))
    for place in head_of.keys() | older_of.keys():
        before: dict[Stimulus, LineageCell] = {}
        known: set[Stimulus] = set()
        last_executed: dict[Stimulus, LineageCell] = {}
        in_order = sorted(older_of.get(place, []), key=lambda r: r.place)
        for revision in in_order:
            before = {c.stimulus: c for c in cells_of.get(revision, [])}
            known |= before.keys()
            last_executed |= {s: c for s, c in before.items() if c.is_executed}
        revision = head_of.get(place)
        if revision is not None:
            now = {c.stimulus: c for c in cells_of.get(revision, [])}
            previous = in_order[-1] if in_order else revision
            changes += changes_of_revision(previous, revision, before, now, known, last_executed)
        elif place[1] in environments and in_order[-1].place == last_place[place[1]]:
            last = in_order[-1]
            changes += [
                change_row(
                    last, last, (c.row.test_id, c.row.step_id), "gone", last_executed[s], None
                )
                for s, c in before.items()
                if s in last_executed
            ]
    return changes


def judged(
    lineage: str,
    base_lineage: str | None,
    heads: Sequence[Revision],
    changes: Iterable[ChangeRow],
    cells_of: dict[Revision, list[LineageCell]],
    history: dict[tuple[str, str, str, int], list[Execution]],
    rows: Sequence[CubeRow],
) -> list[GateRow]:
    """Return the findings, with what is known about flakiness."""
    unstable = {
        (f.problem_id, f.environment_id, f.test_id, f.step_id, f.implementation_id)
        for f in build_flaky(rows)
    }
    found = []
    changed = set()
    implementation_of = {(r.problem_id, r.environment_id): r.implementation_id for r in heads}
    for change in changes:
        place = (change.problem_id, change.environment_id)
        key = (*place, change.test_id, change.step_id)
        changed.add((key, change.change == "gone"))
        is_unstable = change.change != "gone" and (*key, implementation_of.get(place)) in unstable
        found.append(
            judged_row(
                lineage, base_lineage, key, finding_of(change), change.change, change.was_right,
                change.is_right, change.previous_response, change.response, is_unstable,
                history.get(key, []), implementation_of.get(place),
            )
        )  # fmt: skip
    for revision in heads:
        for cell in cells_of.get(revision, []):
            key = (revision.problem_id, revision.environment_id, cell.row.test_id, cell.row.step_id)
            if (key, False) in changed or (*key, revision.implementation_id) not in unstable:
                continue
            found.append(
                judged_row(
                    lineage, base_lineage, key, None, None, None, None, None, None, True,
                    history.get(key, []), revision.implementation_id,
                )
            )  # fmt: skip
    return found


def judged_row(
    lineage: str,
    base_lineage: str | None,
    key: tuple[str, str, str, int],
    finding: str | None,
    change: str | None,
    was_right: bool | None,
    is_right: bool | None,
    previous_response: str | None,
    response: str | None,
    is_unstable: bool,
    executions: Sequence[Execution],
    implementation_id: str | None,
) -> GateRow:
    """Return one finding."""
    numbers: list[int | None] = [None] * 5
    is_known = is_beyond_chance = False
    own = [e for e in executions if e.row.implementation_id == implementation_id]
    if (finding in _SUSPECT or is_unstable) and own:
        last = max(own, key=lambda e: (e.row.is_final, e.row.observed_at, e.row.run_id))
        alike = [e for e in executions if e.content == last.content]
        now = [e for e in alike if e.row.implementation_id == implementation_id]
        before = [e for e in alike if e.row.implementation_id != implementation_id][-LAST:]
        n_same = sum(e.row.response_hash == last.row.response_hash for e in now)
        numbers[:2] = [len(now), n_same]
        if before:
            flips, disagreements = flips_of(before)
            same = sum(e.row.response_hash == last.row.response_hash for e in before)
            numbers[2:] = [len(before), same, flips]
            is_known = same > 0 and (disagreements > 0 or flips > 1)
            chance = upper_bound(same, len(before)) ** len(now)
            is_beyond_chance = n_same == len(now) and chance < 0.05
    if finding in _SUSPECT and is_known and not is_beyond_chance:
        finding = "flaky"
    problem_id, environment_id, test_id, step_id = key
    return GateRow(
        lineage, base_lineage, environment_id, problem_id, test_id, step_id, finding or "flaky",
        change, is_known, was_right, is_right, previous_response, response, *numbers,
    )  # fmt: skip


@dataclass(frozen=True)
class FlakyTestRow:
    """Columns of one row of the function `flaky_tests`."""

    lineage: str | None
    environment_id: str
    problem_id: str
    test_id: str
    step_id: int
    n_executions: int
    n_unusual: int
    greatest_share: float
    n_flips: int
    n_disagreements: int
    usual_response: str


def flaky_tests(
    cube: Sequence[CubeRow],
    revisions: Sequence[Revision],
    descriptions: Sequence[Description],
    data_set_id: str,
    last: int,
) -> list[FlakyTestRow]:
    """Return the stimuli with flips or disagreements in their last executions."""
    rows = [r for r in cube if r.data_set_id == data_set_id and r.implementation_id != ORACLE]
    own = group(descriptions, lambda d: (d.data_set_id, d.problem_id, d.implementation_id))
    place_of: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    lineage_of: dict[tuple[str, str, str], str | None] = {}
    for r in rows:
        described = own.get((data_set_id, r.problem_id, r.implementation_id), [])
        if latest_value(described, "lineage") is None:
            key = (r.problem_id, r.environment_id, r.implementation_id)
            place_of[key], lineage_of[key] = (0,), None
    for r in revisions:
        if r.data_set_id == data_set_id:
            key = (r.problem_id, r.environment_id, r.implementation_id)
            place_of[key], lineage_of[key] = (r.place,), r.lineage

    def stimulus(e: Execution) -> tuple[Any, ...]:
        row = e.row
        lineage = lineage_of[row.problem_id, row.environment_id, row.implementation_id]
        subject = row.implementation_id if lineage is None else None
        place = (row.environment_id, row.problem_id, row.test_id, row.step_id)
        return (lineage, subject, *place, e.content)

    found = []
    for (lineage, _, *place, _), alike in group(executions_of(rows, place_of), stimulus).items():
        chosen = alike[-last:]
        flips, disagreements = flips_of(chosen)
        if disagreements < 1 and flips < 2:
            continue
        by_response = group(chosen, lambda e: e.row.response_hash)
        usual = min(by_response.values(), key=lambda same: (-len(same), same[0].row.response_hash))
        unusual = len(chosen) - len(usual)
        found.append(
            FlakyTestRow(
                lineage, *place, len(chosen), unusual, upper_bound(unusual, len(chosen)),
                flips, disagreements, max(e.row.response for e in usual),
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class SlowerRow:
    """Columns of one row of the function `slower_tests`."""

    lineage: str
    environment_id: str
    problem_id: str
    test_id: str
    evidence: str
    before_ms: float
    after_ms: float
    machine_ratio: float
    n_before: int
    n_after: int


def slower_tests(
    cube: Sequence[CubeRow], revisions: Sequence[Revision], data_set_id: str, head: str
) -> list[SlowerRow]:
    """Return the tests that take longer in a head than in the 20 runs before it."""
    mine = [r for r in revisions if r.data_set_id == data_set_id]
    named = group((r for r in mine if r.revision == head), lambda r: r.lineage)
    found = []
    for lineage, heads in named.items():
        head_place = max(r.place for r in heads)
        place_of = {
            (r.problem_id, r.environment_id, r.implementation_id): r.place
            for r in mine
            if r.lineage == lineage and r.place <= head_place
        }
        runs: dict[tuple[str, str, str], list[tuple[Any, ...]]] = {}
        timed = [
            r
            for r in cube
            if r.data_set_id == data_set_id and r.is_final and r.duration_ns is not None
            and (r.problem_id, r.environment_id, r.implementation_id) in place_of
        ]  # fmt: skip
        for (*key, implementation_id, run_id), steps in group(
            timed,
            lambda r: (r.environment_id, r.problem_id, r.test_id, r.implementation_id, r.run_id),
        ).items():
            place = place_of[key[1], key[0], implementation_id]
            duration = sum(r.duration_ns or 0 for r in steps) / 1e6
            began = min(r.observed_at for r in steps)
            runs.setdefault((key[0], key[1], key[2]), []).append((place, began, run_id, duration))
        found += slower_of_head(lineage, head_place, place_of, runs)
    return found


def slower_of_head(
    lineage: str,
    head_place: int,
    place_of: dict[tuple[str, str, str], int],
    runs: dict[tuple[str, str, str], list[tuple[Any, ...]]],
) -> list[SlowerRow]:
    """Return the slower tests of a head, from all runs of each test up to it."""
    compared = {}
    for key, of_test in runs.items():
        before = sorted(run for run in of_test if run[0] < head_place)[-20:]
        after = [run[3] for run in of_test if run[0] == head_place]
        if before and after:
            compared[key] = before, median(after), len(after)
    found = []
    for environment in {key[0] for key in compared}:
        ratios = [
            after / median([run[3] for run in before])
            for key, (before, after, _) in compared.items()
            if key[0] == environment and len(before) >= 5 and median([run[3] for run in before])
        ]
        machine = max(median(ratios), 1.0) if len(ratios) >= 10 else 1.0
        for key, (before, after, n_after) in compared.items():
            if key[0] != environment:
                continue
            usual = median([run[3] for run in before])
            mad = median([abs(run[3] - usual) for run in before])
            base_place = max(
                place
                for (problem, of, _), place in place_of.items()
                if (problem, of) == (key[1], environment) and place < head_place
            )
            last = [run[3] for run in before if run[0] == base_place]
            if after <= 1.5 * machine * usual or after < 50 + machine * usual:
                continue
            if last and after <= 1.5 * machine * median(last):
                continue
            limit = machine * (usual + 5 * max(1.4826 * mad, 0.05 * usual))
            evidence = "slower" if after > limit else "within noise"
            evidence = "too few runs" if len(before) < 5 else evidence
            found.append(
                SlowerRow(lineage, *key, evidence, usual, after, machine, len(before), n_after)
            )
    return found

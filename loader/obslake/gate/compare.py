"""Asks the marts what a head changed. What that means is in the SQL functions ``gate`` and ``gate_runs``."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb

from obslake.errors import GateError
from obslake.gate.allowed import Entry, excuse, notes_on
from obslake.gate.findings import Environment, FailureGroup, Finding, Gate
from obslake.gate.named import Compared, compared_revisions, set_aside_environments
from obslake.query.names import check_names
from obslake.version import __version__

PREVIOUS = "previous"
_MOST_GROUPS = 20


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        data_set: data set of the revisions.
        head: revision, or implementation, that may have changed something.
        base: revision to compare with, or ``previous``.
        lineage: lineage of the head; None: the only one that has it.
        base_lineage: lineage of the base; None: that of the head, or the only one that has it.
        environments: only these; empty: all.
        fail_on: kinds of findings that fail the gate.
        allowed: the list of known failures.
        today: the day until which they may be allowed.
    """

    data_set: str
    head: str
    base: str
    lineage: str | None
    base_lineage: str | None
    environments: tuple[str, ...]
    fail_on: tuple[str, ...]
    allowed: tuple[Entry, ...]
    today: date


def read_gate(marts: duckdb.DuckDBPyConnection, question: Question) -> Gate:
    """Return what the head changed against the base.

    Raises:
        UnknownNameError: the marts do not have a name.
        GateError: the names do not say which revisions to compare, or the marts are those of another version.
    """
    with _of_this_version():
        check_names(marts, "data set", [question.data_set])
        check_names(marts, "environment", question.environments, [question.data_set])
        compared = compared_revisions(
            marts,
            question.data_set,
            question.head,
            None if question.base == PREVIOUS else question.base,
            question.lineage,
            question.base_lineage,
        )
        if compared is None:
            return _broken_head(marts, question)
        arguments: dict[str, Any] = {
            "data_set": question.data_set,
            "head": question.head,
            "base": None if question.base == PREVIOUS else question.base,
            "lineage": compared.lineage,
            "base_lineage": compared.base_lineage,
        }
        everywhere = _environments(marts, arguments)
        environments = _chosen(everywhere, question)
        slower, uncounted = _slower(marts, arguments)
        findings = [*_changes(marts, arguments), *slower]
        judged = [_judged(finding, question.fail_on) for finding in findings]
        notes = _notes(compared, environments, uncounted)
        failures = _failures(marts, question, compared, environments)
        wanted = question.environments
        excused, allowed = excuse(
            [finding for finding in judged if not wanted or finding.environment in wanted],
            question.allowed,
            question.today,
            lambda entry: _is_known(marts, question, entry),
        )
        return Gate(
            question.data_set,
            compared.lineage,
            question.head,
            compared.base_lineage,
            compared.base,
            question.fail_on,
            _snapshot(marts),
            tuple(environments),
            tuple(excused),
            tuple(failures),
            tuple(allowed),
            (*notes, *notes_on(allowed), *_notes_elsewhere(question, everywhere, judged)),
        )


@contextmanager
def _of_this_version() -> Iterator[None]:
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise GateError(
            f"the marts are not those that obslake {__version__} builds: {str(error).splitlines()[0]}\n"
            "  build them again: run `obslake build`"
        ) from error


_SIDES = "$data_set, $head, base := $base, of_lineage := $lineage, of_base_lineage := $base_lineage"


def _environments(marts: duckdb.DuckDBPyConnection, arguments: dict[str, Any]) -> list[Environment]:
    rows = marts.execute(
        "select environment_id, status, base_revision, n_base_tests, n_base_failing, n_head_tests, "
        f"n_head_failing, n_head_skipped, n_runs, n_set_aside, set_aside_reason from gate_runs({_SIDES})",
        arguments,
    ).fetchall()
    return [Environment(*row) for row in rows]


def _chosen(environments: list[Environment], question: Question) -> list[Environment]:
    """Return the environments that are asked for; one without a run of head and base is `not run`."""
    if not question.environments:
        return environments
    found = {each.name: each for each in environments}
    return [found.get(name, Environment(name, "not run")) for name in question.environments]


def _changes(marts: duckdb.DuckDBPyConnection, arguments: dict[str, Any]) -> list[Finding]:
    rows = marts.execute(
        "select environment_id, problem_id, test_id, step_id, finding, change, previous_response, response, "
        "previous_revision, coalesce(run_id, previous_run_id), is_known_flaky, n_executions, n_same, n_before, "
        f"n_same_before, n_flips, last_flip_at from gate({_SIDES})",
        arguments,
    ).fetchall()
    return [_with_evidence(Finding(*row)) for row in rows]


def _with_evidence(finding: Finding) -> Finding:
    parts = []
    if finding.same_executions != finding.executions:
        parts.append(f"{finding.same_executions} of {finding.executions} executions")
    if finding.is_known_flaky:
        parts.append(
            f"{finding.same_before} of {finding.executions_before} before, {finding.flips} flips"
        )
    return replace(finding, evidence="; ".join(parts))


def _slower(
    marts: duckdb.DuckDBPyConnection, arguments: dict[str, Any]
) -> tuple[list[Finding], Counter[str]]:
    """Return the slower tests, and the number of longer durations that do not count, by their evidence."""
    rows = marts.execute(
        "select evidence, environment_id, problem_id, test_id, before_ms, after_ms, ratio, machine_ratio, "
        f"n_before from slower_tests({_SIDES})",
        arguments,
    ).fetchall()
    slower = [
        Finding(
            environment,
            problem,
            test,
            0,
            "slower",
            before=f"{before:,.0f} ms",
            after=f"{after:,.0f} ms",
            before_ms=before,
            after_ms=after,
            evidence=f"{f'{ratio:.1f} times as long as' if ratio else 'longer than'} in {n_before} runs before"
            + (f"; the whole run {machine:.1f} times" if machine > 1 else ""),
        )
        for evidence, environment, problem, test, before, after, ratio, machine, n_before in rows
        if evidence == "slower"
    ]
    return slower, Counter(evidence for evidence, *_ in rows if evidence != "slower")


def _notes(
    compared: Compared,
    environments: Sequence[Environment],
    uncounted: Counter[str],
) -> list[str]:
    notes = list(compared.notes)
    for each in environments:
        if each.set_aside:
            notes.append(_set_aside(each))
        if each.status == "incomplete":
            notes.append(
                f"{each.name}: the head executed {each.tests:,} tests, the base {each.base_tests:,}"
            )
        if each.status == "no base":
            notes.append(f"{each.name}: no revision to compare with ran there")
        elif compared.base and each.base_revision not in (None, compared.base):
            notes.append(
                f"{each.name}: {compared.base} did not run there, {each.base_revision} did last"
            )
    notes += [
        f"{number:,} longer durations do not count: {evidence}"
        for evidence, number in sorted(uncounted.items())
    ]
    return notes


def _notes_elsewhere(
    question: Question, everywhere: Iterable[Environment], judged: Iterable[Finding]
) -> list[str]:
    """Return what would fail where the head ran and the gate was not asked to look."""
    if not question.environments:
        return []
    findings, _ = excuse(judged, question.allowed, question.today, lambda entry: True)
    counted = Counter(finding.environment for finding in findings if finding.counts)
    notes = []
    for each in everywhere:
        # Where the head did not run, another pipeline may run it.
        if each.name in question.environments or each.status == "not run":
            continue
        number = counted[each.name]
        if number or each.fails:
            count = "1 finding counts" if number == 1 else f"{number:,} findings count"
            why = f"it is {each.status}" if each.fails else count
            notes.append(f"{each.name}: --environment leaves it out, and {why} there")
    return notes


def _set_aside(environment: Environment) -> str:
    runs = "1 run is" if environment.set_aside == 1 else f"{environment.set_aside} runs are"
    reason = f": {environment.reason}" if environment.reason else ""
    return f"{environment.name}: {runs} set aside{reason}"


def _failures(
    marts: duckdb.DuckDBPyConnection,
    question: Question,
    compared: Compared,
    environments: Sequence[Environment],
) -> list[FailureGroup]:
    """Return the wrong responses of the head; of several chosen environments, one after the other."""
    chosen: list[str | None] = [None]
    if question.environments:
        chosen = [each.name for each in environments if each.status != "not run"]
    groups = []
    for environment in chosen:
        rows = marts.execute(
            """
            select message, n_tests, n_environments, example_problem_id, example_test_id
            from failure_groups($data_set, $head, of_lineage := $lineage, of_environment := $environment)
            limit $most
            """,
            {
                "data_set": question.data_set,
                "head": question.head,
                "lineage": compared.lineage,
                "environment": environment,
                "most": _MOST_GROUPS,
            },
        ).fetchall()
        groups += [FailureGroup(*row) for row in rows]
    return groups[:_MOST_GROUPS]


def _judged(finding: Finding, fail_on: Sequence[str]) -> Finding:
    """Return a finding, with whether it counts."""
    if finding.kind == "flaky" and finding.is_known_flaky:
        return replace(finding, excuse="flaky before")
    return replace(finding, counts=finding.kind in fail_on)


def _is_known(marts: duckdb.DuckDBPyConnection, question: Question, entry: Entry) -> bool:
    escaped = entry.pattern
    for special in ("/", "%", "_"):
        escaped = escaped.replace(special, f"/{special}")
    found = marts.execute(
        """
        select 1 from lineage_states
        where
            data_set_id = $data_set and test_id like $tests escape '/'
            and $environment in ('', environment_id) and $problem in ('', problem_id)
        limit 1
        """,
        {
            "data_set": question.data_set,
            "tests": escaped.replace("*", "%"),
            "environment": entry.environment,
            "problem": entry.problem,
        },
    ).fetchone()
    return found is not None


def _broken_head(marts: duckdb.DuckDBPyConnection, question: Question) -> Gate:
    """Return the gate of a head all of whose runs are set aside."""
    rows = set_aside_environments(marts, question.data_set, question.head)
    environments = _chosen(
        [Environment(name, "broken", set_aside=runs, reason=why) for name, runs, why in rows],
        question,
    )
    notes = [_set_aside(each) for each in environments if each.set_aside]
    return Gate(
        question.data_set,
        question.lineage,
        question.head,
        question.base_lineage,
        None if question.base == PREVIOUS else question.base,
        question.fail_on,
        _snapshot(marts),
        tuple(environments),
        (),
        notes=(
            *notes,
            "nothing is compared: rows of the seed runs_set_aside can take the runs back",
        ),
    )


def _snapshot(marts: duckdb.DuckDBPyConnection) -> int | None:
    try:
        found = marts.execute(
            "select snapshot_id from main_refresh.refresh_models where model = 'refresh_source_versions'"
        ).fetchone()
    except duckdb.CatalogException:
        return None
    return None if found is None else int(found[0])

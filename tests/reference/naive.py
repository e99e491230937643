"""A naive, obviously correct computation of the marts from observations and descriptions.

It is the oracle against which the SQL models are tested, and therefore shares nothing with them:
plain Python, standard library only, one small function per rule. Text is compared by code point,
as Python's ``str`` does. Responses are compared by their exact text (for verdicts, the text before
the first ``@``), unless rules of response equivalence are given.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar

from .equivalence import EXACT, Equivalence, Rules, canonical_form, rules_of
from .voting import VOTING_KINDS, Voting, VotingRule, voting_of

ORACLE = "oracle"
"""The implementation_id of the specified oracle."""

NOT_EXECUTED_KINDS = frozenset({"not_executed", "skipped"})

TEXT_OF_MISSING_OUTPUT = {
    "void": "{}",
    "timeout": "$TIMEOUT",
    "crash": "$CRASH",
    "not_serializable": "$N/A",
    "not_executed": "$*",
    "skipped": "$*",
}

Problem = tuple[str, str]
"""(data_set_id, problem_id)"""
ImplementationOfProblem = tuple[str, str, str]
"""(data_set_id, problem_id, implementation_id)"""
Step = tuple[str, int]
"""(test_id, step_id): a stimulus within one problem, in its sort order"""


@dataclass(frozen=True, slots=True)
class Observation:
    """One row of the table ``observations``: a stimulus, its response and its context."""

    data_set_id: str
    problem_id: str
    test_id: str
    step_id: int
    implementation_id: str
    environment_id: str
    run_id: str
    attempt: int
    operation: str | None
    target: str | None
    inputs: str | None
    output: str | None
    response_kind: str
    duration_ns: int | None
    observed_at: datetime
    load_id: str
    test_content_hash: str | None = None
    alternative: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """One row of the table ``implementations``: the description of an implementation by a load."""

    data_set_id: str
    problem_id: str | None
    implementation_id: str | None
    lineage: str | None
    revision: str | None
    revised_at: datetime | None
    load_id: str
    content_hash: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the seed ``runs_set_aside``; None means an empty field."""

    data_set_id: str | None
    run_id: str
    environment_id: str | None
    is_set_aside: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Renamed:
    """One row of the seed ``renamed_tests``; None means an empty field."""

    data_set_id: str | None
    problem_id: str | None
    from_test_id: str
    to_test_id: str


@dataclass(frozen=True, slots=True)
class CubeRow:
    """One row of ``stimulus_response_cube``."""

    data_set_id: str
    problem_id: str
    test_id: str
    step_id: int
    implementation_id: str
    environment_id: str
    run_id: str
    attempt: int
    operation: str | None
    target: str | None
    inputs: str | None
    test_content_hash: str | None
    response: str
    response_kind: str
    response_hash: str
    is_final: bool
    is_set_aside: bool
    duration_ns: int | None
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class RunRow:
    """One row of ``runs``, without descriptions."""

    data_set_id: str
    run_id: str
    environment_id: str
    n_actuations: int
    first_observed_at: datetime
    last_observed_at: datetime
    is_set_aside: bool
    set_aside_reason: str | None


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One row (cell) of ``stimulus_response_matrix``."""

    data_set_id: str
    problem_id: str
    test_id: str
    step_id: int
    implementation_id: str
    operation: str | None
    target: str | None
    inputs: str | None
    response: str
    response_kind: str
    response_hash: str
    run_id: str
    environment_id: str
    observed_at: datetime
    n_runs: int
    is_stable: bool
    is_current_content: bool


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """One row of ``response_signatures``."""

    data_set_id: str
    problem_id: str
    implementation_id: str
    environment_id: str
    run_id: str
    signature: str
    stimuli_signature: str
    n_tests: int
    n_steps: int
    is_set_aside: bool


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """One row of ``problems``."""

    data_set_id: str
    problem_id: str
    n_implementations: int
    n_environments: int
    n_runs: int
    n_actuations: int


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One row of ``behavior_clusters``."""

    data_set_id: str
    problem_id: str
    cluster_id: str
    cluster_rank: int
    n_implementations: int
    exemplar_implementation_id: str
    n_stimuli: int
    n_exceptions: int
    first_differing_test_id: str | None
    first_differing_step_id: int | None


@dataclass(frozen=True, slots=True)
class ClusterMemberRow:
    """One row of ``behavior_cluster_members``."""

    data_set_id: str
    problem_id: str
    implementation_id: str
    cluster_id: str
    cluster_rank: int


@dataclass(frozen=True, slots=True)
class SpecifiedRow:
    """One row of ``specified_responses``."""

    data_set_id: str
    problem_id: str
    test_id: str
    step_id: int
    response_hash: str
    alternative: str | None
    response: str
    response_kind: str
    is_first: bool


@dataclass(frozen=True, slots=True)
class ConsensusRow:
    """One row of ``consensus_oracles``."""

    data_set_id: str
    problem_id: str
    test_id: str
    step_id: int
    oracle_response: str | None
    consensus: str
    n_voters: int
    n_votes: int
    n_runner_up_votes: int
    n_votes_needed: int | None
    vote_share: float | None
    n_distinct_responses: int
    entropy: float | None
    cluster_oracle_response: str | None
    specified_response: str | None
    n_specified_responses: int
    agrees_with_specified: bool | None
    n_other_contents: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One row of ``training_examples``, without descriptions of implementation and test."""

    data_set_id: str
    problem_id: str
    test_id: str
    step_id: int
    implementation_id: str
    inputs: str | None
    response: str
    response_kind: str
    is_stable: bool
    oracle_response: str | None
    consensus: str
    n_voters: int
    vote_share: float | None
    agrees_with_consensus: bool | None
    specified_response: str | None
    agrees_with_specified: bool | None
    is_voter: bool
    cluster_rank: int
    n_implementations: int


@dataclass(frozen=True, slots=True)
class LineageRow:
    """One row of ``lineage``."""

    data_set_id: str
    problem_id: str
    lineage: str
    environment_id: str
    test_id: str
    step_id: int
    implementation_id: str
    revision_rank: int
    revision: str | None
    revised_at: datetime
    operation: str | None
    inputs: str | None
    content_hash: str | None
    response: str
    response_kind: str
    response_hash: str
    is_right: bool | None
    run_id: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One row of ``behavior_changes``."""

    data_set_id: str
    problem_id: str
    lineage: str
    environment_id: str
    test_id: str
    step_id: int
    implementation_id: str
    previous_step_id: int | None
    previous_implementation_id: str
    revision_rank: int
    change: str
    same_content_test_id: str | None
    was_right: bool | None
    is_right: bool | None
    operation: str | None
    inputs: str | None
    previous_inputs: str | None
    previous_response: str | None
    response: str | None
    previous_run_id: str | None
    run_id: str
    previous_observed_at: datetime | None
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class FlipRow:
    """One row of ``lineage_flips``, without the id of the stimulus, which is a hash of what was put in."""

    data_set_id: str
    problem_id: str
    lineage: str
    environment_id: str
    test_id: str
    step_id: int
    operation: str | None
    inputs: str | None
    n_revisions: int
    n_judged: int
    n_wrong: int
    wrong_share: float | None
    n_flips: int
    last_flip_implementation_id: str
    last_flip_response: str
    last_flip_at: datetime
    last_response: str
    first_observed_at: datetime
    last_observed_at: datetime


@dataclass(frozen=True, slots=True)
class LineageRevisionRow:
    """One row of ``lineage_revisions``."""

    data_set_id: str
    problem_id: str
    lineage: str
    environment_id: str
    implementation_id: str
    revision: str | None
    revised_at: datetime
    place: int
    revision_rank: int
    run_id: str
    first_executed_at: datetime


@dataclass(frozen=True, slots=True)
class LineageStateRow:
    """One row of ``lineage_states``, without the id of the stimulus, which is a hash of what was put in."""

    data_set_id: str
    problem_id: str
    lineage: str
    environment_id: str
    test_id: str
    step_id: int
    implementation_id: str
    revision: str | None
    revision_rank: int
    run_id: str
    observed_at: datetime
    operation: str | None
    inputs: str | None
    content_hash: str | None
    test_content_hash: str | None
    is_executed: bool
    response: str
    response_kind: str
    response_hash: str
    is_right: bool | None


@dataclass(frozen=True, slots=True)
class LatestStateRow:
    """One row of ``latest_state``, without the id of the stimulus, which is a hash of what was put in."""

    data_set_id: str
    problem_id: str
    lineage: str
    environment_id: str
    test_id: str
    step_id: int
    operation: str | None
    inputs: str | None
    state: str
    n_revisions: int
    since_implementation_id: str
    since_revision: str | None
    since_at: datetime
    n_revisions_since: int
    executed_implementation_id: str | None
    executed_revision: str | None
    is_right: bool | None
    response: str | None
    response_kind: str | None
    run_id: str | None
    observed_at: datetime | None
    first_wrong_implementation_id: str | None
    first_wrong_revision: str | None
    first_wrong_at: datetime | None
    last_right_implementation_id: str | None
    last_right_revision: str | None
    last_right_at: datetime | None


@dataclass(frozen=True, slots=True)
class FlakyRow:
    """One row of ``flaky_responses``."""

    data_set_id: str
    problem_id: str
    test_id: str
    step_id: int
    implementation_id: str
    environment_id: str
    content_hash: str | None
    n_executions: int
    n_runs: int
    n_distinct_responses: int
    most_frequent_response: str
    n_most_frequent: int
    other_response: str
    first_observed_at: datetime
    last_observed_at: datetime


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """One row of ``behavior_transitions``."""

    data_set_id: str
    problem_id: str
    from_environment_id: str
    to_environment_id: str
    subject_id: str
    from_run_id: str
    to_run_id: str
    from_implementation_id: str | None
    to_implementation_id: str | None
    from_cluster_id: str | None
    to_cluster_id: str | None
    from_cluster_rank: int | None
    to_cluster_rank: int | None
    from_n_implementations: int | None
    to_n_implementations: int | None
    transition: str | None
    is_same_stimuli: bool | None
    n_common_stimuli: int | None
    n_answers_kept: int | None
    answers_kept_share: float | None
    n_companions_kept: int | None
    n_companions_lost: int | None
    n_companions_gained: int | None


@dataclass(frozen=True)
class AgreementRow:
    """One row of ``implementation_agreements``."""

    data_set_id: str
    problem_id: str
    implementation_a: str
    implementation_b: str
    n_common_stimuli: int
    n_equal_responses: int
    agreement: float | None


@dataclass(frozen=True, slots=True)
class AssessmentRow:
    """One row of ``implementation_assessments``."""

    data_set_id: str
    problem_id: str
    implementation_id: str
    n_stimuli: int
    n_not_run: int
    n_exceptions: int
    n_timeouts: int
    n_crashes: int
    is_voter: bool
    cluster_rank: int
    cluster_size: int
    n_consensus_compared: int
    n_consensus_agreeing: int
    consensus_agreement: float | None
    n_cluster_oracle_compared: int
    n_cluster_oracle_agreeing: int
    cluster_oracle_agreement: float | None
    n_specified_compared: int
    n_specified_agreeing: int
    specified_agreement: float | None
    passes_consensus: bool | None
    passes_specified: bool | None
    n_tests_passed: int
    n_same_tests_passed: int | None
    dual_agreement_score: float | None
    mbr_score: float | None
    assessment_rank: int


@dataclass(frozen=True, slots=True)
class ProblemAssessmentRow:
    """One row of ``problem_assessments``."""

    data_set_id: str
    problem_id: str
    n_implementations: int
    n_voters: int
    n_tests: int
    n_stimuli: int
    n_common_stimuli: int
    common_stimuli_share: float | None
    n_clusters: int
    n_largest_cluster: int
    entropy: float | None
    n_tied_stimuli: int
    tied_share: float
    n_specified_stimuli: int
    n_consensus_compared: int
    n_consensus_differing: int
    consensus_differing_share: float | None
    n_cluster_oracle_compared: int
    n_cluster_oracle_differing: int
    cluster_oracle_differing_share: float | None
    k: int
    n_passing_specified: int | None
    specified_pass_at_k: float | None
    n_passing_consensus: int | None
    consensus_pass_at_k: float | None


@dataclass(frozen=True, slots=True)
class SuspectRow:
    """One row of ``suspect_oracles``."""

    data_set_id: str
    problem_id: str
    test_id: str
    step_id: int
    operation: str | None
    inputs: str | None
    accused_by: str
    specified_response: str
    n_specified_responses: int
    oracle_response: str | None
    consensus: str
    n_voters: int
    n_votes: int
    vote_share: float
    cluster_oracle_response: str | None
    n_cluster_oracle_votes: int
    n_specified_votes: int
    differing_implementation_id: str
    specified_implementation_id: str | None


@dataclass(frozen=True, slots=True)
class DiscriminationRow:
    """One row of ``discriminating_tests``."""

    data_set_id: str
    problem_id: str
    test_id: str
    n_steps: int
    n_clusters: int
    n_distinct_columns: int
    n_pairs_split: int
    entropy: float
    suite_rank: int | None
    n_pairs_newly_split: int | None
    is_in_minimal_suite: bool


ROW_TYPES: dict[str, type] = {
    "stimulus_response_cube": CubeRow,
    "runs": RunRow,
    "stimulus_response_matrix": MatrixRow,
    "response_signatures": SignatureRow,
    "problems": ProblemRow,
    "behavior_clusters": ClusterRow,
    "behavior_cluster_members": ClusterMemberRow,
    "specified_responses": SpecifiedRow,
    "consensus_oracles": ConsensusRow,
    "training_examples": TrainingRow,
    "lineage": LineageRow,
    "behavior_changes": ChangeRow,
    "flaky_responses": FlakyRow,
    "lineage_flips": FlipRow,
    "lineage_revisions": LineageRevisionRow,
    "lineage_states": LineageStateRow,
    "latest_state": LatestStateRow,
    "behavior_transitions": TransitionRow,
    "implementation_agreements": AgreementRow,
    "implementation_assessments": AssessmentRow,
    "problem_assessments": ProblemAssessmentRow,
    "suspect_oracles": SuspectRow,
    "discriminating_tests": DiscriminationRow,
}

_STIMULUS = ("data_set_id", "problem_id", "test_id", "step_id")
_LINEAGE = ("data_set_id", "problem_id", "lineage", "environment_id")

KEYS: dict[str, tuple[str, ...]] = {
    "stimulus_response_cube": (
        *_STIMULUS,
        "implementation_id",
        "environment_id",
        "run_id",
        "attempt",
    ),
    "runs": ("data_set_id", "run_id", "environment_id"),
    "stimulus_response_matrix": (*_STIMULUS, "implementation_id"),
    "response_signatures": (
        "data_set_id",
        "problem_id",
        "implementation_id",
        "environment_id",
        "run_id",
    ),
    "problems": ("data_set_id", "problem_id"),
    "behavior_clusters": ("data_set_id", "problem_id", "cluster_id"),
    "behavior_cluster_members": ("data_set_id", "problem_id", "implementation_id"),
    "specified_responses": (*_STIMULUS, "response_hash"),
    "consensus_oracles": _STIMULUS,
    "training_examples": (*_STIMULUS, "implementation_id"),
    "lineage": (*_LINEAGE, "test_id", "step_id", "implementation_id"),
    "behavior_changes": (*_LINEAGE, "implementation_id", "test_id", "step_id", "change"),
    "flaky_responses": (*_STIMULUS, "implementation_id", "environment_id", "content_hash"),
    # Two stimuli may have had the same step in different revisions.
    "lineage_flips": (
        *_LINEAGE,
        "test_id",
        "step_id",
        "inputs",
        "n_revisions",
        "first_observed_at",
    ),
    "lineage_revisions": (*_LINEAGE, "implementation_id"),
    "lineage_states": (*_LINEAGE, "implementation_id", "test_id", "step_id", "inputs"),
    "latest_state": (*_LINEAGE, "test_id", "step_id", "inputs", "n_revisions", "since_at"),
    "behavior_transitions": (
        "data_set_id",
        "problem_id",
        "from_environment_id",
        "to_environment_id",
        "subject_id",
    ),
    "implementation_agreements": (
        "data_set_id",
        "problem_id",
        "implementation_a",
        "implementation_b",
    ),
    "implementation_assessments": ("data_set_id", "problem_id", "implementation_id"),
    "problem_assessments": ("data_set_id", "problem_id"),
    "suspect_oracles": _STIMULUS,
    "discriminating_tests": ("data_set_id", "problem_id", "test_id"),
}

COLUMNS: dict[str, tuple[str, ...]] = {
    mart: tuple(field.name for field in fields(row_type)) for mart, row_type in ROW_TYPES.items()
}


@dataclass(frozen=True)
class Marts:
    """All marts, each a list of rows sorted by its key."""

    stimulus_response_cube: list[CubeRow]
    runs: list[RunRow]
    stimulus_response_matrix: list[MatrixRow]
    response_signatures: list[SignatureRow]
    problems: list[ProblemRow]
    behavior_clusters: list[ClusterRow]
    behavior_cluster_members: list[ClusterMemberRow]
    specified_responses: list[SpecifiedRow]
    consensus_oracles: list[ConsensusRow]
    training_examples: list[TrainingRow]
    lineage: list[LineageRow]
    behavior_changes: list[ChangeRow]
    flaky_responses: list[FlakyRow]
    lineage_flips: list[FlipRow]
    lineage_revisions: list[LineageRevisionRow]
    lineage_states: list[LineageStateRow]
    latest_state: list[LatestStateRow]
    behavior_transitions: list[TransitionRow]
    implementation_agreements: list[AgreementRow]
    implementation_assessments: list[AssessmentRow]
    problem_assessments: list[ProblemAssessmentRow]
    suspect_oracles: list[SuspectRow]
    discriminating_tests: list[DiscriminationRow]

    def tuples(self, mart: str) -> list[tuple[Any, ...]]:
        """Return the rows of one mart as tuples in the order of ``COLUMNS[mart]``, sorted by key."""
        return [tuple(getattr(row, name) for name in COLUMNS[mart]) for row in getattr(self, mart)]

    def dicts(self, mart: str) -> list[dict[str, Any]]:
        """Return the rows of one mart as dictionaries, sorted by key."""
        return [dict(zip(COLUMNS[mart], row, strict=True)) for row in self.tuples(mart)]


def compute(
    observations: Iterable[Observation],
    descriptions: Iterable[Description] = (),
    equivalences: Sequence[Equivalence] = (),
    voting: Voting | None = None,
    decisions: Sequence[Decision] = (),
    renamed: Sequence[Renamed] = (),
    voting_rules: Sequence[VotingRule] = (),
    as_of: dict[str, str] | None = None,
) -> Marts:
    """Compute every mart from observations and descriptions in any order."""
    observations, descriptions = with_latest_names(observations, renamed), list(descriptions)
    set_aside = runs_set_aside(observations, descriptions, decisions)
    set_aside = runs_outside(observations, descriptions, as_of or {}) | set_aside
    whole_cube = mark_set_aside(build_cube(observations, equivalences), set_aside)
    cube = [row for row in whole_cube if not row.is_set_aside]
    finals = final_responses(cube)
    revisions = build_revisions(cube, descriptions)
    matrix = build_matrix(finals, dates(revisions))
    members = build_cluster_members(matrix)
    specified = build_specified(observations, finals, equivalences)
    cells = build_lineage_cells(cube, specified, revisions)
    voting_of_problem = {
        problem: voting_of(voting or Voting(), voting_rules, *problem)
        for problem in group(matrix, _problem)
    }
    voters_of_problem = build_voters(matrix, descriptions, voting_of_problem)
    consensus = build_consensus(matrix, members, specified, voters_of_problem, voting_of_problem)
    consensus_of_problem = group(consensus, _problem)
    accepted_of = accepted_hashes(specified)
    assessed = [
        assess(
            cells,
            consensus_of_problem[problem],
            accepted_of,
            voters_of_problem[problem],
            voting_of_problem[problem],
        )
        for problem, cells in group(matrix, _problem).items()
    ]
    marts = Marts(
        stimulus_response_cube=whole_cube,
        runs=build_runs(whole_cube, set_aside),
        stimulus_response_matrix=matrix,
        response_signatures=build_signatures(final_responses(whole_cube)),
        problems=build_problems(whole_cube),
        behavior_clusters=build_clusters(matrix, members),
        behavior_cluster_members=members,
        specified_responses=specified,
        consensus_oracles=consensus,
        training_examples=build_training(
            matrix, members, consensus, accepted_of, voters_of_problem, voting_of_problem
        ),
        lineage=build_lineage(cells),
        behavior_changes=build_changes(revisions, cells),
        flaky_responses=build_flaky(cube),
        lineage_flips=build_flips(cells),
        lineage_revisions=build_lineage_revisions(revisions),
        lineage_states=build_lineage_states(cells),
        latest_state=build_latest_state(revisions, cells),
        behavior_transitions=build_transitions(cube, descriptions),
        implementation_agreements=[row for a in assessed for row in a.agreements],
        implementation_assessments=[row for a in assessed for row in a.implementations],
        problem_assessments=[a.problem for a in assessed],
        suspect_oracles=[row for a in assessed for row in a.suspects],
        discriminating_tests=[row for a in assessed for row in discriminations(a.matrix)],
    )
    for mart, key in KEYS.items():
        getattr(marts, mart).sort(
            key=lambda row, key=key: tuple(none_first(getattr(row, k)) for k in key)
        )
    return marts


# --- responses -----------------------------------------------------------------------------------


def response_text(output: str | None, response_kind: str) -> str:
    """Return the response as text: the output, or the token of its kind if there is none."""
    nothing_returned = response_kind == "void" and output == ""
    if output is not None and not nothing_returned:
        return output
    return TEXT_OF_MISSING_OUTPUT.get(response_kind, "")


def canonical_response(response: str, response_kind: str, rules: Rules = EXACT) -> str:
    """Return the form by which responses are compared."""
    if response_kind == "verdict":
        return response.split("@", 1)[0]
    return canonical_form(response, response_kind, rules)


@lru_cache(maxsize=100_000)
def md5(text: str) -> str:
    """Return the md5 of the UTF-8 text in lower-case hexadecimal digits."""
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()


def response_hash(response: str, response_kind: str, rules: Rules = EXACT) -> str:
    """Return the hash of the canonical response."""
    return md5(canonical_response(response, response_kind, rules))


def with_latest_names(
    observations: Iterable[Observation], renamed: Sequence[Renamed]
) -> list[Observation]:
    """Return the observations with the latest names of their tests, by the most specific row."""
    rows_of = group(renamed, lambda r: r.from_test_id)

    def latest_name(o: Observation) -> str:
        matching = [
            r
            for r in rows_of.get(o.test_id, [])
            if r.data_set_id in (None, o.data_set_id) and r.problem_id in (None, o.problem_id)
        ]
        row = max(
            matching,
            key=lambda r: (r.problem_id is not None, r.data_set_id is not None),
            default=None,
        )
        return row.to_test_id if row else o.test_id

    return [replace(o, test_id=latest_name(o)) for o in observations]


# --- cube and matrix -----------------------------------------------------------------------------


def build_cube(
    observations: Iterable[Observation], equivalences: Sequence[Equivalence] = ()
) -> list[CubeRow]:
    """Return one row per stimulus, implementation, environment, run and attempt."""
    by_key = group(
        observations,
        lambda o: (
            o.data_set_id,
            o.problem_id,
            o.test_id,
            o.step_id,
            o.implementation_id,
            o.environment_id,
            o.run_id,
            o.attempt,
        ),
    )
    counted = [max(first_alternative(same_key), key=_precedence) for same_key in by_key.values()]
    tests = {(o.data_set_id, o.problem_id, o.test_id) for o in counted}
    rules = {test: rules_of(equivalences, *test) for test in tests}
    cube = [cube_row(o, rules[o.data_set_id, o.problem_id, o.test_id]) for o in counted]
    finals = set(final_responses(cube))
    return [replace(row, is_final=row in finals) for row in cube]


def _precedence(o: Observation) -> tuple[Any, ...]:
    """Return a sort key; the greatest of several observations with the same key counts."""
    return (
        o.response_kind not in NOT_EXECUTED_KINDS,
        o.observed_at,
        response_text(o.output, o.response_kind),
        o.response_kind,
        none_first(o.operation),
        none_first(o.target),
        none_first(o.inputs),
        none_first(o.duration_ns),
        none_first(o.test_content_hash),
        o.load_id,
    )


def alternative_of(o: Observation) -> str:
    """Return the name of a specified response; empty for the first one, and for implementations."""
    return (o.alternative or "") if o.implementation_id == ORACLE else ""


def first_alternative(same_key: Sequence[Observation]) -> list[Observation]:
    """Return the observations with the least name, of those that were executed if there are any."""
    executed_ones = [o for o in same_key if o.response_kind not in NOT_EXECUTED_KINDS]
    candidates = executed_ones or same_key
    first = min(map(alternative_of, candidates))
    return [o for o in candidates if alternative_of(o) == first]


def cube_row(o: Observation, rules: Rules = EXACT) -> CubeRow:
    """Return the row of the cube for one observation."""
    response = response_text(o.output, o.response_kind)
    return CubeRow(
        data_set_id=o.data_set_id,
        problem_id=o.problem_id,
        test_id=o.test_id,
        step_id=o.step_id,
        implementation_id=o.implementation_id,
        environment_id=o.environment_id,
        run_id=o.run_id,
        attempt=o.attempt,
        operation=o.operation,
        target=o.target,
        inputs=o.inputs,
        test_content_hash=o.test_content_hash,
        response=response,
        response_kind=o.response_kind,
        response_hash=response_hash(response, o.response_kind, rules),
        is_final=False,
        is_set_aside=False,
        duration_ns=o.duration_ns,
        observed_at=o.observed_at,
    )


def executed(cube: Iterable[CubeRow]) -> list[CubeRow]:
    """Return the rows of the cube that were executed."""
    return [row for row in cube if row.response_kind not in NOT_EXECUTED_KINDS]


def final_responses(cube: Iterable[CubeRow]) -> list[CubeRow]:
    """Return the last executed attempt per stimulus, implementation and context."""
    by_context = group(
        executed(cube),
        lambda r: (
            r.data_set_id,
            r.problem_id,
            r.test_id,
            r.step_id,
            r.implementation_id,
            r.environment_id,
            r.run_id,
        ),
    )
    return [max(attempts, key=lambda r: r.attempt) for attempts in by_context.values()]


def latest_context(finals: Iterable[CubeRow]) -> CubeRow:
    """Return the final response of the latest context."""
    return max(finals, key=lambda r: (r.observed_at, r.run_id, r.environment_id))


def dates(revisions: Iterable[Revision]) -> dict[ImplementationOfProblem, datetime]:
    """Return the dates of the implementations that are revisions."""
    return {(r.data_set_id, r.problem_id, r.implementation_id): r.revised_at for r in revisions}


def is_same_stimulus(one: CubeRow, other: CubeRow) -> bool:
    """Whether two executions of the same step of a test had the same stimulus, as far as was recorded."""
    hashes = (one.test_content_hash, other.test_content_hash)
    inputs = (one.inputs, other.inputs)
    if None not in hashes and hashes[0] == hashes[1]:
        return True
    if None not in inputs:
        return inputs[0] == inputs[1]
    return None in hashes


def other_contents(
    cells: Sequence[CubeRow], date_of: dict[ImplementationOfProblem, datetime]
) -> set[CubeRow]:
    """Return the cells whose implementation was asked something else than is asked now, there or before."""
    found = set()
    for of_test in group(cells, lambda r: (*_problem(r), r.test_id)).values():
        of_test = [r for r in of_test if r.implementation_id != ORACLE]
        different, current_test = differently_asked(of_test, date_of)
        found |= different
        found |= {
            r
            for r in of_test
            if r.test_content_hash is None or r.test_content_hash != current_test
            if any(
                d.implementation_id == r.implementation_id and d.step_id < r.step_id
                for d in different
            )
        }
    return found


def differently_asked(
    cells: Sequence[CubeRow], date_of: dict[ImplementationOfProblem, datetime]
) -> tuple[set[CubeRow], str | None]:
    """Return the cells of a test whose own step is not the current one, and the hash of the current test."""
    last = {
        i: max(r.observed_at for r in rows)
        for i, rows in group(cells, lambda r: r.implementation_id).items()
    }

    def asked_at(r: CubeRow) -> datetime:
        return date_of.get((*_problem(r), r.implementation_id), last[r.implementation_id])

    def of_test(r: CubeRow) -> tuple[object, ...]:
        return (r.test_content_hash, asked_at(r))

    def of_stimulus(r: CubeRow) -> tuple[object, ...]:
        return (r.step_id, r.inputs, *of_test(r))

    alike = {key: group(cells, key) for key in (of_test, of_stimulus)}

    def newness(r: CubeRow, key: Callable[[CubeRow], tuple[object, ...]]) -> tuple[object, ...]:
        """By its date, then the latest execution of what is alike, then their number."""
        others = alike[key][key(r)]
        return (asked_at(r), max(o.observed_at for o in others), len(others))

    hashed = [r for r in cells if r.test_content_hash is not None]
    newest_test = max(
        hashed, key=lambda r: (newness(r, of_test), r.test_content_hash), default=None
    )

    def is_of_another_test(r: CubeRow) -> bool:
        return (
            newest_test is not None
            and r.test_content_hash is not None
            and r.test_content_hash != newest_test.test_content_hash
        )

    def precedence(r: CubeRow) -> tuple[object, ...]:
        return (
            (r.test_content_hash, r.inputs) != (None, None),
            not is_of_another_test(r),
            newness(r, of_stimulus),
            none_first(r.test_content_hash),
            none_first(r.inputs),
        )

    different = set()
    for of_step in group(cells, lambda r: r.step_id).values():
        newest = max(of_step, key=precedence)
        for r in of_step:
            is_removed = is_of_another_test(newest) and is_of_another_test(r)
            if is_removed or not is_same_stimulus(r, newest):
                different.add(r)
    return different, newest_test.test_content_hash if newest_test else None


def build_matrix(
    finals: Iterable[CubeRow], date_of: dict[ImplementationOfProblem, datetime]
) -> list[MatrixRow]:
    """Return the final response of the latest context per stimulus and implementation."""
    by_cell = group(
        finals,
        lambda r: (r.data_set_id, r.problem_id, r.test_id, r.step_id, r.implementation_id),
    )
    matrix = []
    latest_of = [(latest_context(contexts), contexts) for contexts in by_cell.values()]
    others = other_contents([latest for latest, _ in latest_of], date_of)
    for latest, contexts in latest_of:
        matrix.append(
            MatrixRow(
                data_set_id=latest.data_set_id,
                problem_id=latest.problem_id,
                test_id=latest.test_id,
                step_id=latest.step_id,
                implementation_id=latest.implementation_id,
                operation=latest.operation,
                target=latest.target,
                inputs=latest.inputs,
                response=latest.response,
                response_kind=latest.response_kind,
                response_hash=latest.response_hash,
                run_id=latest.run_id,
                environment_id=latest.environment_id,
                observed_at=latest.observed_at,
                n_runs=len({r.run_id for r in contexts}),
                is_stable=len({r.response_hash for r in contexts}) == 1,
                is_current_content=latest not in others,
            )
        )
    return matrix


# --- specified responses -------------------------------------------------------------------------

StimulusOfProblem = tuple[str, str, str, int]
"""(data_set_id, problem_id, test_id, step_id)"""


def build_specified(
    observations: Iterable[Observation],
    finals: Iterable[CubeRow],
    equivalences: Sequence[Equivalence] = (),
) -> list[SpecifiedRow]:
    """Return what is right by the oracle: each different response of its latest attempt to a stimulus."""
    rows_of = group(
        (o for o in observations if o.implementation_id == ORACLE),
        lambda o: (
            o.data_set_id, o.problem_id, o.test_id, o.step_id, o.environment_id, o.run_id, o.attempt,
        ),
    )  # fmt: skip
    of_oracle = (r for r in finals if r.implementation_id == ORACLE)
    specified = []
    for stimulus, contexts in group(of_oracle, lambda r: (*_problem(r), *_step(r))).items():
        latest = latest_context(contexts)
        rules = rules_of(equivalences, *stimulus[:3])
        rows = rows_of[*stimulus, latest.environment_id, latest.run_id, latest.attempt]
        by_hash: dict[str, SpecifiedRow] = {}
        for name, same in sorted(group(rows, alternative_of).items()):
            row = cube_row(max(same, key=_precedence), rules)
            if row.response_kind in VOTING_KINDS and row.response_hash not in by_hash:
                by_hash[row.response_hash] = SpecifiedRow(
                    *stimulus, row.response_hash, name or None, row.response, row.response_kind,
                    is_first=not by_hash,
                )  # fmt: skip
        specified += by_hash.values()
    return specified


def accepted_hashes(specified: Iterable[SpecifiedRow]) -> dict[StimulusOfProblem, frozenset[str]]:
    """Return the hashes of all responses that are right, by stimulus."""
    by_stimulus = group(specified, lambda r: (r.data_set_id, r.problem_id, r.test_id, r.step_id))
    return {s: frozenset(r.response_hash for r in rows) for s, rows in by_stimulus.items()}


# --- runs ----------------------------------------------------------------------------------------

Place = tuple[str, str, str]
"""(data_set_id, run_id, environment_id): a run in one environment"""

UNKNOWN_TIME = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
LEAST_TESTS = 10
"""A run of fewer tests is not broken, whatever they say."""


@dataclass(frozen=True)
class RunOfSubject:
    """What the tests of a lineage, or of an implementation without one, said in one run."""

    run_id: str
    began_at: datetime
    failures: Counter[str]

    @property
    def n_tests(self) -> int:
        return self.failures.total()

    @property
    def main_failure(self) -> str:
        """The failure of more than half of the tests; empty if there is none."""
        return next((f for f, n in self.failures.items() if f and 2 * n > self.n_tests), "")

    def stands_out_from(self, other: RunOfSubject) -> bool:
        """Whether most tests fail alike, even without those that did so in another run, or were not in it."""
        same = other.failures[self.main_failure]
        more = max(self.n_tests - other.n_tests, 0)
        return 2 * (self.failures[self.main_failure] - same - more) > self.n_tests


def failure(response: str, response_kind: str) -> str:
    """Return how a response fails; empty if it does not."""
    word, _, rest = response.partition("@")
    if response_kind in ("timeout", "crash"):
        return response_kind
    if response_kind == "exception":
        return f"exception@{rest.split('@')[0]}"
    if response_kind == "verdict" and word in ("failed", "error"):
        return f"{word}@{rest.split('@')[0]}"
    return ""


def failure_of_test(rows: Iterable[CubeRow]) -> str:
    """Return the failure of the first failing step of the last attempt."""
    rows = list(rows)
    last = max(r.attempt for r in rows)
    steps = sorted((r for r in rows if r.attempt == last), key=lambda r: r.step_id)
    failures = [failure(r.response, r.response_kind) for r in steps]
    return next(filter(None, failures), "")


def runs_of_subjects(
    observations: Sequence[Observation], descriptions: Iterable[Description]
) -> dict[tuple[str, str, str], list[RunOfSubject]]:
    """Return the runs of each subject in each environment, by data set, environment and subject."""
    described = group(descriptions, lambda d: (d.data_set_id, d.problem_id, d.implementation_id))
    began: dict[tuple[str, ...], list[datetime]] = defaultdict(list)
    failures: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)

    def run_of(o: Observation | CubeRow) -> tuple[str, ...]:
        own = described.get((o.data_set_id, o.problem_id, o.implementation_id), [])
        lineage = latest_value(own, "lineage")
        subject = f"i{o.implementation_id}" if lineage is None else f"l{lineage}"
        return (o.data_set_id, o.environment_id, subject, o.run_id)

    of_code = [o for o in observations if o.implementation_id != ORACLE]
    for o in of_code:
        if o.response_kind not in NOT_EXECUTED_KINDS:
            began[run_of(o)].append(o.observed_at)
    for rows in group(
        executed(build_cube(of_code)),
        lambda r: (*run_of(r), r.problem_id, r.implementation_id, r.test_id),
    ).values():
        failures[run_of(rows[0])][failure_of_test(rows)] += 1
    runs: dict[tuple[str, str, str], list[RunOfSubject]] = defaultdict(list)
    for (data_set_id, environment_id, subject, run_id), counted in failures.items():
        key = (data_set_id, environment_id, subject, run_id)
        runs[data_set_id, environment_id, subject].append(
            RunOfSubject(run_id, min(began[key]), counted)
        )
    return runs


def is_broken(run: RunOfSubject, runs: Iterable[RunOfSubject]) -> tuple[bool, bool]:
    """Return whether a run stands out from those before and after it, and whether there is one after it."""
    if not run.main_failure or run.n_tests < LEAST_TESTS or run.began_at == UNKNOWN_TIME:
        return False, False
    place = (run.began_at, run.run_id)
    others = [r for r in runs if 2 * r.n_tests > run.n_tests and r.began_at != UNKNOWN_TIME]
    earlier = [r for r in others if (r.began_at, r.run_id) < place]
    later = [r for r in others if (r.began_at, r.run_id) > place]
    before = max(earlier, key=lambda r: (r.began_at, r.run_id), default=None)
    after = min(later, key=lambda r: (r.began_at, r.run_id), default=None)
    stands_out = (
        before is not None
        and run.stands_out_from(before)
        and (after is None or run.stands_out_from(after))
    )
    return stands_out, after is not None


def recognised_runs(
    observations: Sequence[Observation], descriptions: Iterable[Description]
) -> dict[Place, str]:
    """Return the runs that are broken, with the reason."""
    counts: dict[Place, Counter[str]] = defaultdict(Counter)
    alike: dict[Place, Counter[str]] = defaultdict(Counter)
    is_last: set[tuple[Place, str]] = set()
    for (data_set_id, environment_id, _), runs in runs_of_subjects(
        observations, descriptions
    ).items():
        for run in runs:
            place = (data_set_id, run.run_id, environment_id)
            counts[place]["all"] += run.n_tests
            broken, has_after = is_broken(run, runs)
            if broken:
                counts[place]["broken"] += run.n_tests
                alike[place][run.main_failure] += run.failures[run.main_failure]
                if not has_after:
                    is_last.add((place, run.main_failure))
            elif not run.main_failure:
                counts[place]["sound"] += run.n_tests
    reasons = {}
    for place, failures in alike.items():
        if counts[place]["broken"] > counts[place]["sound"]:
            main = min(failures, key=lambda f: (-failures[f], f))
            kind, _, name = main.partition("@")
            reasons[place] = (
                f"{failures[main]} of {counts[place]['all']} tests fail alike ({name or kind}), "
                f"unlike in the run before{'' if (place, main) in is_last else ' and the run after'}"
            )
    return reasons


def runs_set_aside(
    observations: Sequence[Observation],
    descriptions: Iterable[Description] = (),
    decisions: Sequence[Decision] = (),
) -> dict[Place, str]:
    """Return the runs that are set aside, with the reason."""
    reasons = recognised_runs(observations, descriptions)
    for place in {
        (o.data_set_id, o.run_id, o.environment_id)
        for o in observations
        if o.implementation_id != ORACLE
    }:
        matching = [
            d
            for d in decisions
            if d.run_id == place[1]
            and d.data_set_id in (None, place[0])
            and d.environment_id in (None, place[2])
        ]
        if matching:
            decision = max(
                matching, key=lambda d: (d.environment_id is not None, d.data_set_id is not None)
            )
            reasons.pop(place, None)
            if decision.is_set_aside == "true":
                reasons[place] = decision.reason or ""
    return reasons


def runs_outside(
    observations: Iterable[Observation], descriptions: Iterable[Description], as_of: dict[str, str]
) -> dict[Place, str]:
    """Return the runs that are not in a context, of the data sets that have it.

    Args:
        observations: all observations.
        descriptions: all descriptions.
        as_of: any of ``run_id``, ``environment_id``, ``revision`` and ``data_set_id``; if empty, all are in it.
    """
    if not as_of:
        return {}
    described = group(descriptions, lambda d: (d.data_set_id, d.problem_id, d.implementation_id))
    places: dict[Place, bool] = defaultdict(bool)
    for o in observations:
        if o.implementation_id == ORACLE:
            continue
        of = described.get((o.data_set_id, o.problem_id, o.implementation_id), [])
        known = {
            "data_set_id": o.data_set_id,
            "run_id": o.run_id,
            "environment_id": o.environment_id,
            "revision": latest_value(of, "revision"),
        }
        is_inside = o.response_kind not in NOT_EXECUTED_KINDS and as_of.items() <= known.items()
        places[o.data_set_id, o.run_id, o.environment_id] |= is_inside
    concerned = {data_set_id for (data_set_id, _, _), is_inside in places.items() if is_inside}
    return {
        place: "not in the context of obslake_as_of"
        for place, is_inside in places.items()
        if place[0] in concerned and not is_inside
    }


def mark_set_aside(cube: Iterable[CubeRow], set_aside: dict[Place, str]) -> list[CubeRow]:
    """Mark the rows of runs that are set aside; what is specified is right or wrong in any run."""
    return [
        replace(
            row,
            is_set_aside=row.implementation_id != ORACLE
            and (row.data_set_id, row.run_id, row.environment_id) in set_aside,
        )
        for row in cube
    ]


def build_runs(cube: Iterable[CubeRow], set_aside: dict[Place, str]) -> list[RunRow]:
    """Return the contexts of the cube."""
    by_run = group(cube, lambda r: (r.data_set_id, r.run_id, r.environment_id))
    return [
        RunRow(
            *place,
            n_actuations=len(rows),
            first_observed_at=min(r.observed_at for r in rows),
            last_observed_at=max(r.observed_at for r in rows),
            is_set_aside=place in set_aside,
            set_aside_reason=set_aside.get(place),
        )
        for place, rows in by_run.items()
    ]


# --- signatures ----------------------------------------------------------------------------------


def hash_of_items(items: Sequence[str]) -> str:
    """Return a hash of items that does not depend on their order."""
    hashes = [bytes.fromhex(md5(item)) for item in items]
    first, second = (
        sum(int.from_bytes(each[half], "little") for each in hashes)
        for half in (slice(8), slice(8, None))
    )
    return md5(f"{len(hashes)}:{first}:{second}")


def signature(cells: Sequence[CubeRow | MatrixRow]) -> str:
    """Return the signature of a set of cells: equal if stimuli and responses are equal."""
    return hash_of_items([f"{c.response_hash}:{c.step_id}:{c.test_id}" for c in cells])


def stimuli_signature(cells: Sequence[CubeRow | MatrixRow]) -> str:
    """Return the signature of the stimuli of a set of cells, whatever the responses."""
    return hash_of_items([f"{c.step_id}:{c.test_id}" for c in cells])


def build_signatures(finals: Iterable[CubeRow]) -> list[SignatureRow]:
    """Return the signature of the final responses per implementation and context."""
    by_context = group(
        finals,
        lambda r: (r.data_set_id, r.problem_id, r.implementation_id, r.environment_id, r.run_id),
    )
    return [
        SignatureRow(
            data_set_id=data_set_id,
            problem_id=problem_id,
            implementation_id=implementation_id,
            environment_id=environment_id,
            run_id=run_id,
            signature=signature(cells),
            stimuli_signature=stimuli_signature(cells),
            n_tests=len({c.test_id for c in cells}),
            n_steps=len(cells),
            is_set_aside=cells[0].is_set_aside,
        )
        for (
            data_set_id,
            problem_id,
            implementation_id,
            environment_id,
            run_id,
        ), cells in by_context.items()
    ]


def build_problems(cube: Iterable[CubeRow]) -> list[ProblemRow]:
    """Return one row per problem of the cube, even if nothing was executed."""
    problems = []
    for (data_set, problem), rows in group(cube, _problem).items():
        counted = [row for row in executed(rows) if not row.is_set_aside]
        implementations = {row.implementation_id for row in counted} - {ORACLE}
        problems.append(
            ProblemRow(
                data_set_id=data_set,
                problem_id=problem,
                n_implementations=len(implementations),
                n_environments=len({row.environment_id for row in rows}),
                n_runs=len({row.run_id for row in rows}),
                n_actuations=len(rows),
            )
        )
    return problems


# --- clusters ------------------------------------------------------------------------------------


def build_cluster_members(matrix: Iterable[MatrixRow]) -> list[ClusterMemberRow]:
    """Return the cluster of each implementation except the specified oracle."""
    rows = []
    for (data_set_id, problem_id), cells in group(matrix, _problem).items():
        columns = group(cells, lambda c: c.implementation_id)
        implementations_of: dict[str, list[str]] = defaultdict(list)
        for implementation_id, column in columns.items():
            if implementation_id != ORACLE:
                implementations_of[signature(column)].append(implementation_id)
        ranking = sorted(
            implementations_of,
            key=lambda c: (-len(implementations_of[c]), min(implementations_of[c])),
        )
        for rank, cluster_id in enumerate(ranking, start=1):
            for implementation_id in implementations_of[cluster_id]:
                rows.append(
                    ClusterMemberRow(
                        data_set_id=data_set_id,
                        problem_id=problem_id,
                        implementation_id=implementation_id,
                        cluster_id=cluster_id,
                        cluster_rank=rank,
                    )
                )
    return rows


def build_clusters(
    matrix: Iterable[MatrixRow], members: Iterable[ClusterMemberRow]
) -> list[ClusterRow]:
    """Return each cluster with size, exemplar, and first difference from the largest cluster."""
    cells_of_problem = group(matrix, _problem)
    rows = []
    for problem, problem_members in group(members, _problem).items():
        columns = group(cells_of_problem[problem], lambda c: c.implementation_id)
        clusters = group(problem_members, lambda m: (m.cluster_rank, m.cluster_id))
        exemplars = {
            rank: min(m.implementation_id for m in cluster_members)
            for (rank, _), cluster_members in clusters.items()
        }
        for (rank, cluster_id), cluster_members in clusters.items():
            column = columns[exemplars[rank]]
            differing = (
                (None, None) if rank == 1 else first_difference(column, columns[exemplars[1]])
            )
            rows.append(
                ClusterRow(
                    data_set_id=problem[0],
                    problem_id=problem[1],
                    cluster_id=cluster_id,
                    cluster_rank=rank,
                    n_implementations=len(cluster_members),
                    exemplar_implementation_id=exemplars[rank],
                    n_stimuli=len(column),
                    n_exceptions=sum(1 for c in column if c.response_kind == "exception"),
                    first_differing_test_id=differing[0],
                    first_differing_step_id=differing[1],
                )
            )
    return rows


def first_difference(one: Iterable[MatrixRow], other: Iterable[MatrixRow]) -> Step:
    """Return the smallest stimulus at which two different columns differ or only one has a cell."""
    hashes_of_one = {_step(c): c.response_hash for c in one}
    hashes_of_other = {_step(c): c.response_hash for c in other}
    return min(
        step
        for step in hashes_of_one.keys() | hashes_of_other.keys()
        if hashes_of_one.get(step) != hashes_of_other.get(step)
    )


# --- consensus -----------------------------------------------------------------------------------


def eligible_voters(cells: Iterable[MatrixRow], voting: Voting) -> set[str]:
    """Return the implementations that may vote, given all cells of one problem."""
    return {
        c.implementation_id
        for c in cells
        if c.implementation_id != ORACLE
        and c.response_kind in voting.eligible_kinds
        and not voting.excludes(c.implementation_id)
    }


def first_of_each(
    attribute: str,
    eligible: Iterable[str],
    descriptions: Iterable[Description],
    n_others: Counter[str],
) -> set[str]:
    """Return one implementation of each code or origin, and all for which it is unknown.

    Args:
        attribute: what implementations with one vote have in common.
        eligible: implementations of one problem.
        descriptions: descriptions of implementations of that problem.
        n_others: numbers of responses to other contents; the fewer, the better.
    """
    described = group(descriptions, lambda d: d.implementation_id)
    firsts: dict[str, str] = {}
    unknown = set()
    for implementation_id in sorted(eligible, key=lambda i: (n_others[i], i)):
        shared = latest_value(described.get(implementation_id, []), attribute)
        if shared is None:
            unknown.add(implementation_id)
        else:
            firsts.setdefault(shared, implementation_id)
    return unknown | set(firsts.values())


def leading_clusters(members: Iterable[ClusterMemberRow], eligible: set[str]) -> list[set[str]]:
    """Return the eligible members of each cluster of a problem that has the most of them."""
    eligible_members: dict[str, set[str]] = defaultdict(set)
    for member in members:
        if member.implementation_id in eligible:
            eligible_members[member.cluster_id].add(member.implementation_id)
    most = max((len(m) for m in eligible_members.values()), default=0)
    return [m for m in eligible_members.values() if len(m) == most]


def build_voters(
    matrix: Iterable[MatrixRow],
    descriptions: Iterable[Description],
    voting_of_problem: dict[Problem, Voting],
) -> dict[Problem, set[str]]:
    """Return the implementations that vote in each problem."""
    described = group(descriptions, lambda d: (d.data_set_id, d.problem_id))
    voters = {}
    for problem, cells in group(matrix, _problem).items():
        voting = voting_of_problem[problem]
        voters[problem] = eligible_voters(cells, voting)
        if voting.one_vote_per != "implementation":
            attribute = {"code": "content_hash", "origin": "origin"}[voting.one_vote_per]
            n_others = Counter(c.implementation_id for c in cells if not c.is_current_content)
            voters[problem] = first_of_each(
                attribute, voters[problem], described.get(problem, []), n_others
            )
    return voters


def build_consensus(
    matrix: Iterable[MatrixRow],
    members: Iterable[ClusterMemberRow],
    specified: Iterable[SpecifiedRow],
    voters_of_problem: dict[Problem, set[str]],
    voting_of_problem: dict[Problem, Voting],
) -> list[ConsensusRow]:
    """Return the response that the implementations vote for, per stimulus."""
    right_of = group(specified, lambda r: (r.data_set_id, r.problem_id, r.test_id, r.step_id))
    members_of_problem = group(members, _problem)
    rows = []
    for problem, cells in group(matrix, _problem).items():
        eligible = voters_of_problem[problem]
        leading = leading_clusters(members_of_problem.get(problem, []), eligible)
        n_implementations = len({c.implementation_id for c in cells} - {ORACLE})
        for step, cells_of_stimulus in group(cells, _step).items():
            row = {c.implementation_id: c for c in cells_of_stimulus}
            right = right_of.get((*problem, *step), [])
            voting = voting_of_problem[problem]
            rows.append(
                consensus_row(
                    problem, step, row, right, eligible, leading, voting, n_implementations
                )
            )
    return rows


def consensus_row(
    problem: Problem,
    step: Step,
    row: dict[str, MatrixRow],
    right: Sequence[SpecifiedRow],
    eligible: set[str],
    leading: Sequence[set[str]],
    voting: Voting,
    n_implementations: int,
) -> ConsensusRow:
    """Return the consensus on one stimulus, given its row of the matrix by implementation, and what is right."""
    votes = [c for i, c in row.items() if i in eligible and is_vote(c, voting)]
    counts = Counter(vote.response_hash for vote in votes)
    ranking = sorted(counts.values(), reverse=True)
    n_voters = len(votes)
    n_votes = ranking[0] if len(ranking) > 0 else 0
    n_runner_up_votes = ranking[1] if len(ranking) > 1 else 0

    if n_voters == 0:
        consensus = "no_votes"
    elif len(ranking) == 1:
        consensus = "unanimous"
    elif 2 * n_votes > n_voters:
        consensus = "majority"
    elif n_votes > n_runner_up_votes:
        consensus = "plurality"
    else:
        consensus = "tie"

    needed = voting.votes_needed(n_voters, n_implementations)
    winner_hash: str | None = None
    oracle_response: str | None = None
    if consensus not in ("no_votes", "tie") and n_votes >= needed:
        (winner_hash,) = (h for h, n in counts.items() if n == n_votes)
        oracle_response = min(v.response for v in votes if v.response_hash == winner_hash)

    agrees: bool | None = None
    if winner_hash is not None and right:
        agrees = winner_hash in {r.response_hash for r in right}

    return ConsensusRow(
        data_set_id=problem[0],
        problem_id=problem[1],
        test_id=step[0],
        step_id=step[1],
        oracle_response=oracle_response,
        consensus=consensus,
        n_voters=n_voters,
        n_votes=n_votes,
        n_runner_up_votes=n_runner_up_votes,
        n_votes_needed=needed if n_voters else None,
        vote_share=n_votes / n_voters if n_voters else None,
        n_distinct_responses=len(counts),
        entropy=entropy(ranking) if n_voters else None,
        cluster_oracle_response=cluster_oracle_response(row, leading, voting, needed),
        specified_response=next((r.response for r in right if r.is_first), None),
        n_specified_responses=len(right),
        agrees_with_specified=agrees,
        n_other_contents=sum(not c.is_current_content for c in row.values()),
        is_current=any(c.is_current_content for i, c in row.items() if i != ORACLE)
        or set(row) == {ORACLE},
    )


def is_vote(cell: MatrixRow, voting: Voting) -> bool:
    """Whether a voter does not abstain from a stimulus."""
    return voting.lets_vote(cell.response_kind, cell.response) and cell.is_current_content


def entropy(counts: Sequence[int]) -> float:
    """Return the entropy in bits of a distribution given by its counts, rounded to 6 digits."""
    total = sum(counts)
    return round(math.fsum(n / total * math.log2(total / n) for n in counts), 6)


def cluster_oracle_response(
    row: dict[str, MatrixRow], leading: Sequence[set[str]], voting: Voting, needed: int
) -> str | None:
    """Return the response of the leading clusters to one stimulus, if all of them agree."""
    cells: list[MatrixRow] = []
    for cluster in leading:
        cells_of_cluster = [row[i] for i in cluster if i in row and row[i].is_current_content]
        if not cells_of_cluster:
            return None
        cells.extend(cells_of_cluster)
    if not all(is_vote(cell, voting) for cell in cells):
        return None
    if len({c.response_hash for c in cells}) != 1:
        return None  # also if no cluster leads
    if len(cells) < needed:
        return None
    return min(c.response for c in cells)


# --- training examples ---------------------------------------------------------------------------


def build_training(
    matrix: Iterable[MatrixRow],
    members: Iterable[ClusterMemberRow],
    consensus: Iterable[ConsensusRow],
    accepted_of: dict[StimulusOfProblem, frozenset[str]],
    voters_of_problem: dict[Problem, set[str]],
    voting_of_problem: dict[Problem, Voting],
) -> list[TrainingRow]:
    """Return each cell of an implementation with its agreement with both oracles and its cluster."""
    consensus_of = {(*_problem(row), row.test_id, row.step_id): row for row in consensus}
    members_of_problem = group(members, _problem)
    rows = []
    for problem, cells in group(matrix, _problem).items():
        eligible = voters_of_problem[problem]
        rank_of = {m.implementation_id: m.cluster_rank for m in members_of_problem.get(problem, [])}
        sizes = Counter(rank_of.values())
        for step, row in group(cells, _step).items():
            voted = consensus_of[*problem, *step]
            votes = Counter(
                c.response_hash
                for c in row
                if c.implementation_id in eligible and is_vote(c, voting_of_problem[problem])
            )
            winners = {h for h, n in votes.items() if n == voted.n_votes}
            if voted.oracle_response is None:
                winners = set()
            specified = accepted_of.get((*problem, *step))
            for cell in row:
                if cell.implementation_id == ORACLE:
                    continue
                rank = rank_of[cell.implementation_id]
                rows.append(
                    TrainingRow(
                        data_set_id=cell.data_set_id,
                        problem_id=cell.problem_id,
                        test_id=cell.test_id,
                        step_id=cell.step_id,
                        implementation_id=cell.implementation_id,
                        inputs=cell.inputs,
                        response=cell.response,
                        response_kind=cell.response_kind,
                        is_stable=cell.is_stable,
                        oracle_response=voted.oracle_response,
                        consensus=voted.consensus,
                        n_voters=voted.n_voters,
                        vote_share=voted.vote_share,
                        agrees_with_consensus=(
                            cell.response_hash in winners
                            if winners and cell.is_current_content
                            else None
                        ),
                        specified_response=voted.specified_response,
                        agrees_with_specified=(
                            cell.response_hash in specified
                            if specified and cell.is_current_content
                            else None
                        ),
                        is_voter=cell.implementation_id in eligible,
                        cluster_rank=rank,
                        n_implementations=sizes[rank],
                    )
                )
    return rows


# --- lineages ------------------------------------------------------------------------------------

Name = tuple[str, str]
"""What identifies a revision in its lineage: the revision, or the implementation if it has none."""
Stimulus = tuple[str | int | None, ...]
"""What identifies a stimulus in a problem over all revisions"""


@dataclass(frozen=True, slots=True)
class Revision:
    """An implementation as a revision of its lineage, in one environment that it ran in."""

    data_set_id: str
    problem_id: str
    lineage: str
    environment_id: str
    implementation_id: str
    revision: str | None
    revised_at: datetime
    revision_rank: int
    run_id: str
    first_executed_at: datetime
    place: int = 0


@dataclass(frozen=True, slots=True)
class LineageCell:
    """What became of a stimulus in one revision."""

    revision: Revision
    stimulus: Stimulus
    content_hash: str | None
    row: CubeRow
    is_executed: bool
    is_right: bool | None


def build_revisions(cube: Iterable[CubeRow], descriptions: Sequence[Description]) -> list[Revision]:
    """Return the revisions that ran each problem in each environment, in the order of their lineage."""
    described = group(descriptions, lambda d: (d.data_set_id, d.problem_id, d.implementation_id))
    revised = group((d for d in descriptions if d.revised_at is not None), lambda d: d.data_set_id)
    rows_of = group(executed(cube), lambda r: (*_problem(r), r.environment_id, r.implementation_id))
    # The rows of each implementation in each problem and environment, by lineage and revision.
    members: dict[tuple[str, str, Name], list[list[CubeRow]]] = defaultdict(list)
    for (data_set_id, problem_id, _, implementation_id), rows in rows_of.items():
        own = described.get((data_set_id, problem_id, implementation_id), [])
        lineage = latest_value(own, "lineage")
        if implementation_id == ORACLE or lineage is None:
            continue
        revision = latest_value(own, "revision")
        name = ("implementation", implementation_id) if revision is None else ("revision", revision)
        members[data_set_id, lineage, name].append(rows)

    places: dict[tuple[str, str, str, str], list[tuple[Any, list[CubeRow]]]] = defaultdict(list)
    for (data_set_id, lineage, name), columns in members.items():
        implementation_ids = {rows[0].implementation_id for rows in columns}
        dates = [
            d
            for d in revised.get(data_set_id, [])
            if d.implementation_id in implementation_ids
            or (d.implementation_id, d.lineage, ("revision", d.revision)) == (None, lineage, name)
        ]
        began_at = min(r.observed_at for rows in columns for r in rows)
        revised_at = latest_value(dates, "revised_at") or began_at
        place = (revised_at, min(implementation_ids), name)
        for in_environment in group(
            columns, lambda rows: (rows[0].problem_id, rows[0].environment_id)
        ).values():
            last = max(in_environment, key=lambda rows: _last_execution(rows))
            key = (data_set_id, last[0].problem_id, lineage, last[0].environment_id)
            places[key].append((place, last))

    order: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for (data_set_id, _, lineage, _), found in places.items():
        order[data_set_id, lineage] = sorted(
            {*order[data_set_id, lineage], *(place for place, _ in found)}
        )
    return [
        Revision(
            data_set_id=data_set_id,
            problem_id=problem_id,
            lineage=lineage,
            environment_id=environment_id,
            implementation_id=rows[0].implementation_id,
            place=order[data_set_id, lineage].index(place) + 1,
            revision=place[2][1] if place[2][0] == "revision" else None,
            revised_at=place[0],
            revision_rank=rank,
            run_id=_last_execution(rows)[2],
            first_executed_at=min(r.observed_at for r in rows),
        )
        for (data_set_id, problem_id, lineage, environment_id), found in places.items()
        for rank, (place, rows) in enumerate(sorted(found, key=lambda f: f[0]), start=1)
    ]


def _last_execution(rows: Iterable[CubeRow]) -> tuple[datetime, str, str]:
    """Return when rows of an implementation were executed last, by whom and in which run."""
    return max((r.observed_at, r.implementation_id, r.run_id) for r in rows)


def latest_value(descriptions: Iterable[Description], attribute: str) -> Any:
    """Return the value of an attribute from the latest load that has one; else None.

    If that load has several values, the greatest counts.
    """
    values = [(d.load_id, getattr(d, attribute)) for d in descriptions]
    return max((v for v in values if v[1] is not None), default=(None, None))[1]


def build_lineage_cells(
    cube: Iterable[CubeRow], specified: Iterable[SpecifiedRow], revisions: Iterable[Revision]
) -> list[LineageCell]:
    """Return what became of each stimulus in each revision, in each environment."""
    rows_of = group(cube, lambda r: (*_problem(r), r.environment_id, r.implementation_id))
    accepted_of = accepted_hashes(specified)
    cells = []
    for revision in revisions:
        problem = (revision.data_set_id, revision.problem_id)
        rows = rows_of[*problem, revision.environment_id, revision.implementation_id]
        found: list[LineageCell] = []
        for run_of_test in group(rows, lambda r: (r.run_id, r.test_id)).values():
            for row, stimulus, content_hash in with_contents(run_of_test):
                was_executed = row.response_kind not in NOT_EXECUTED_KINDS
                right = is_right(row, accepted_of.get((*problem, *_step(row))))
                found.append(
                    LineageCell(
                        revision, stimulus, content_hash, row, was_executed,
                        right if was_executed else None,
                    )
                )  # fmt: skip
        by_step = group(found, lambda c: _step(c.row)).values()
        latest = [max(runs, key=_recency) for runs in by_step]
        by_stimulus = group(latest, lambda c: c.stimulus).values()
        cells += [max(same, key=lambda c: (*_recency(c), -c.row.step_id)) for same in by_stimulus]
    return cells


def _recency(cell: LineageCell) -> tuple[bool, datetime, str]:
    return (cell.is_executed, cell.row.observed_at, cell.row.run_id)


def content_of_test(row: CubeRow) -> str | None:
    """Return the content of a response by its test, or None if it was not recorded or not executed."""
    if row.test_content_hash is None or row.response_kind in NOT_EXECUTED_KINDS:
        return None
    return md5(f"test:{row.test_content_hash}")


def with_contents(rows: Iterable[CubeRow]) -> list[tuple[CubeRow, Stimulus, str | None]]:
    """Return the steps of a test in a run, each with what identifies the stimulus and its content.

    A step without inputs is identified by its number, and its content is that of the test. Any other is identified
    by what was put in, and by its number among equal ones. Its content includes everything executed before.
    """
    by_step = group(rows, lambda r: r.step_id)
    steps: list[tuple[CubeRow, Stimulus, str | None]] = []
    inputs_before: list[str] = []
    times: Counter[Stimulus] = Counter()
    for step_id in sorted(by_step):
        row = max(
            by_step[step_id], key=lambda r: (r.response_kind not in NOT_EXECUTED_KINDS, r.attempt)
        )
        if row.inputs is None:
            steps.append((row, (row.test_id, row.step_id), content_of_test(row)))
            continue
        put_in = (row.test_id, row.operation, row.target, row.inputs)
        times[put_in] += 1
        content_hash = None
        if row.response_kind not in NOT_EXECUTED_KINDS:
            call = ":".join("-" if text is None else md5(text) for text in put_in[1:])
            inputs_before.append(f"{len(inputs_before) + 1}:{md5(call)}")
            content_hash = hash_of_items(inputs_before)
        steps.append((row, (*put_in, times[put_in]), content_hash))
    return steps


def build_lineage(cells: Iterable[LineageCell]) -> list[LineageRow]:
    """Return the executed cells of all lineages."""
    return [
        LineageRow(
            data_set_id=cell.row.data_set_id,
            problem_id=cell.row.problem_id,
            lineage=cell.revision.lineage,
            environment_id=cell.row.environment_id,
            test_id=cell.row.test_id,
            step_id=cell.row.step_id,
            implementation_id=cell.row.implementation_id,
            revision_rank=cell.revision.revision_rank,
            revision=cell.revision.revision,
            revised_at=cell.revision.revised_at,
            operation=cell.row.operation,
            inputs=cell.row.inputs,
            content_hash=cell.content_hash,
            response=cell.row.response,
            response_kind=cell.row.response_kind,
            response_hash=cell.row.response_hash,
            is_right=cell.is_right,
            run_id=cell.row.run_id,
            observed_at=cell.row.observed_at,
        )
        for cell in cells
        if cell.is_executed
    ]


def is_right(row: CubeRow | MatrixRow, accepted: frozenset[str] | None) -> bool | None:
    """Whether a response is right; None if unknown."""
    if row.response_kind in ("timeout", "crash") and accepted is None:
        return False
    return is_known_right(row, accepted)


def is_known_right(row: CubeRow | MatrixRow, accepted: frozenset[str] | None) -> bool | None:
    """Whether a verdict or a specified response says that a response is right; None if neither does."""
    if row.response_kind == "verdict":
        return canonical_response(row.response, "verdict") == "passed"
    return None if accepted is None else row.response_hash in accepted


def build_changes(revisions: Iterable[Revision], cells: Iterable[LineageCell]) -> list[ChangeRow]:
    """Return what changes with each revision in one environment, going from the oldest to the newest."""
    cells_of = group(cells, lambda c: c.revision)
    rows = []
    for of_lineage in group(
        revisions, lambda r: (r.data_set_id, r.problem_id, r.lineage, r.environment_id)
    ).values():
        before: dict[Stimulus, LineageCell] = {}
        known: set[Stimulus] = set()
        last_executed: dict[Stimulus, LineageCell] = {}
        previous = None
        for revision in sorted(of_lineage, key=lambda r: r.revision_rank):
            now = {c.stimulus: c for c in cells_of.get(revision, [])}
            if previous is not None:
                rows += changes_of_revision(previous, revision, before, now, known, last_executed)
            before, previous = now, revision
            known |= now.keys()
            last_executed |= {s: c for s, c in now.items() if c.is_executed}
    return rows


Cells = dict[Stimulus, LineageCell]


def changes_of_revision(
    previous: Revision,
    revision: Revision,
    before: Cells,
    now: Cells,
    known: set[Stimulus],
    last_executed: Cells,
) -> list[ChangeRow]:
    """Return what one revision changes.

    Args:
        previous: revision before it.
        revision: the revision.
        before: cells of the revision before it.
        now: its cells.
        known: stimuli that any revision before it recorded.
        last_executed: for each stimulus the cell that was executed last before.
    """
    rows = []
    gone = {
        _step(cell.row): last_executed[s]
        for s, cell in before.items()
        if s not in now and s in last_executed
    }
    for s, cell in now.items():
        step = _step(cell.row)
        old = last_executed.get(s)
        if old is None and step in gone:  # an edited step
            old = gone.pop(step)
            change = class_of_change(old, cell) if cell.is_executed else "skipped"
        elif not cell.is_executed:
            was_skipped = s in before and not before[s].is_executed
            change = None if old is None or was_skipped else "skipped"
        elif old is None:
            change = "new and failing" if cell.is_right is False else "new"
            if change == "new" and s in known:
                change = "unskipped"
        else:
            change = class_of_change(old, cell)
            if change is None and not (s in before and before[s].is_executed):
                change = "unskipped"
        if change is not None:
            rows.append(change_row(previous, revision, step, change, old, cell))
    rows += [change_row(previous, revision, step, "gone", old, None) for step, old in gone.items()]
    content_of = {("gone", *step): old.content_hash for step, old in gone.items()}
    content_of |= {("new", *_step(c.row)): c.content_hash for c in now.values()}
    sides = {"gone": "gone", "new": "new", "new and failing": "new"}
    known_as: dict[tuple[str, str], list[str]] = defaultdict(list)
    for r in rows:
        content = content_of.get((sides.get(r.change, ""), r.test_id, r.step_id))
        if content is not None:
            known_as[sides[r.change], content].append(r.test_id)

    def same_content(r: ChangeRow) -> str | None:
        side = sides.get(r.change, "")
        content = content_of.get((side, r.test_id, r.step_id))
        other = "gone" if side == "new" else "new"
        return min(known_as.get((other, content or ""), []), default=None)

    return [replace(r, same_content_test_id=same_content(r)) for r in rows]


def class_of_change(old: LineageCell, new: LineageCell) -> str | None:
    """Return the class of the change between two executed responses; None if they are equal."""
    if old.row.response_hash == new.row.response_hash:
        return None
    is_same_step = old.row.step_id == new.row.step_id and (
        old.row.test_content_hash is not None
        and old.row.test_content_hash == new.row.test_content_hash
    )
    contents = {old.content_hash, new.content_hash}
    if None not in contents and len(contents) == 2 and not is_same_step:
        return "stimulus changed"
    classes: dict[tuple[bool | None, bool | None], str] = {
        (False, True): "fixed",
        (True, False): "regressed",
        (False, False): "changed, both wrong",
    }
    return classes.get((old.is_right, new.is_right), "changed")


def change_row(
    previous: Revision,
    revision: Revision,
    step: Step,
    change: str,
    old: LineageCell | None,
    new: LineageCell | None,
) -> ChangeRow:
    """Return the row of a change at a step."""
    return ChangeRow(
        data_set_id=revision.data_set_id,
        problem_id=revision.problem_id,
        lineage=revision.lineage,
        environment_id=revision.environment_id,
        test_id=step[0],
        step_id=step[1],
        implementation_id=revision.implementation_id,
        previous_step_id=old.row.step_id if old else None,
        previous_implementation_id=(old.revision if old else previous).implementation_id,
        revision_rank=revision.revision_rank,
        change=change,
        same_content_test_id=None,
        was_right=old.is_right if old else None,
        is_right=new.is_right if new else None,
        operation=first_known(*(cell.row.operation for cell in (new, old) if cell)),
        inputs=first_known(*(cell.row.inputs for cell in (new, old) if cell)),
        previous_inputs=old.row.inputs if old else None,
        previous_response=old.row.response if old else None,
        response=new.row.response if new and new.is_executed else None,
        previous_run_id=old.row.run_id if old else None,
        run_id=new.row.run_id if new else revision.run_id,
        previous_observed_at=old.row.observed_at if old else None,
        observed_at=new.row.observed_at if new else revision.first_executed_at,
    )


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One row of the function ``compare_revisions``."""

    problem_id: str
    environment_id: str
    test_id: str
    step_id: int
    base_step_id: int
    base_implementation_id: str
    head_implementation_id: str
    change: str
    base_is_right: bool | None
    head_is_right: bool | None
    operation: str | None
    base_inputs: str | None
    head_inputs: str | None
    base_response: str
    head_response: str
    base_run_id: str
    head_run_id: str
    base_observed_at: datetime
    head_observed_at: datetime


def compare_revisions(
    cube: Iterable[CubeRow],
    specified: Iterable[SpecifiedRow],
    descriptions: Iterable[Description],
    data_set_id: str,
    base: str,
    head: str,
) -> list[ComparisonRow]:
    """Return the different responses of two revisions, of what both executed in the same environment."""
    described = group(descriptions, lambda d: (d.data_set_id, d.problem_id, d.implementation_id))
    of_data_set = [
        r for r in executed(cube) if r.data_set_id == data_set_id and r.implementation_id != ORACLE
    ]
    rows_of = group(of_data_set, lambda r: (r.problem_id, r.environment_id, r.implementation_id))
    sides: list[dict[tuple[str, str], Cells]] = []
    for name in (base, head):
        chosen: dict[tuple[str, str], list[CubeRow]] = {}
        for (problem_id, environment_id, implementation_id), rows in rows_of.items():
            own = described.get((data_set_id, problem_id, implementation_id), [])
            if name in (implementation_id, latest_value(own, "revision")):
                place = (problem_id, environment_id)
                both = (chosen[place], rows) if place in chosen else (rows,)
                chosen[place] = max(both, key=lambda of: _last_execution(final_responses(of))[:2])
        revision = Revision(data_set_id, "", "", "", name, None, datetime.min, 0, "", datetime.min)
        sides.append(
            {
                place: {
                    c.stimulus: c
                    for c in build_lineage_cells(
                        rows,
                        specified,
                        [
                            replace(
                                revision,
                                problem_id=place[0],
                                environment_id=place[1],
                                implementation_id=rows[0].implementation_id,
                            )
                        ],
                    )
                }
                for place, rows in chosen.items()
            }
        )
    before, after = sides
    found = []
    for place in before.keys() & after.keys():
        one, other = before[place], after[place]
        pairs = [(one[s], other[s]) for s in one.keys() & other.keys()]
        left = {_step(c.row): c for s, c in one.items() if s not in other}
        pairs += [
            (left[_step(c.row)], c)
            for s, c in other.items()
            if s not in one and _step(c.row) in left
        ]
        for old, new in pairs:
            change = class_of_change(old, new)
            if change is not None:
                found.append(
                    ComparisonRow(
                        *place, new.row.test_id, new.row.step_id, old.row.step_id,
                        old.row.implementation_id, new.row.implementation_id, change,
                        old.is_right, new.is_right, new.row.operation, old.row.inputs,
                        new.row.inputs, old.row.response, new.row.response, old.row.run_id,
                        new.row.run_id, old.row.observed_at, new.row.observed_at,
                    )
                )  # fmt: skip
    return found


def diff_of_implementations(
    cube: Iterable[CubeRow], problem: Problem, one: str, other: str
) -> list[tuple[Any, ...]]:
    """Return the rows of the function ``behavior_diff``, the environments as a pair."""
    rows_of = group(
        (r for r in final_responses(cube) if _problem(r) == problem), lambda r: r.implementation_id
    )
    cells: list[dict[Step, dict[str, CubeRow]]] = []
    for name in (one, other):
        by_step = group(rows_of.get(name, []), _step)
        cells.append(
            {
                step: {
                    environment: latest_context(runs)
                    for environment, runs in group(rows, lambda r: r.environment_id).items()
                }
                for step, rows in by_step.items()
            }
        )
    found = []
    for step in cells[0].keys() | cells[1].keys():
        a, b = (side.get(step, {}) for side in cells)
        common = a.keys() & b.keys()
        if common:
            place = max(common, key=lambda e: (min(a[e].observed_at, b[e].observed_at), e))
            pair = [a[place], b[place]]
        else:
            pair = [
                max(side.values(), key=lambda r: (r.observed_at, r.environment_id), default=None)
                for side in (a, b)
            ]
        if len({r.response_hash if r else None for r in pair}) == 1:
            continue
        known = [r for r in pair if r]
        inputs = [r.inputs if r else None for r in pair]
        found.append(
            (
                *step,
                first_known(*(r.operation for r in known)),
                first_known(*inputs),
                *(r.response if r else None for r in pair),
                *(r.environment_id if r else None for r in pair),
                inputs[1],
                None if None in inputs else inputs[0] == inputs[1],
            )
        )
    return found


# --- flaky responses -----------------------------------------------------------------------------


def build_flaky(cube: Iterable[CubeRow]) -> list[FlakyRow]:
    """Return the stimuli to which an implementation responds differently in one environment.

    Among equally frequent responses, the one with the least hash comes first.
    """
    by_cell: dict[tuple[Any, ...], list[CubeRow]] = defaultdict(list)
    for sequence in group(
        (r for r in executed(cube) if r.implementation_id != ORACLE),
        lambda r: (
            *_problem(r), r.test_id, r.implementation_id, r.environment_id, r.run_id, r.attempt
        ),
    ).values():  # fmt: skip
        for row, _, content_hash in with_contents(sequence):
            # Inputs may have been recorded after the call changed them.
            content_hash = content_of_test(row) or content_hash
            context = (row.implementation_id, row.environment_id, content_hash)
            by_cell[*_problem(row), *_step(row), *context].append(row)
    rows = []
    for key, executions in by_cell.items():
        ranking = sorted(
            group(executions, lambda r: r.response_hash).values(),
            key=lambda equal: (-len(equal), equal[0].response_hash),
        )
        if len(ranking) == 1:
            continue
        rows.append(
            FlakyRow(
                *key,
                n_executions=len(executions),
                n_runs=len({r.run_id for r in executions}),
                n_distinct_responses=len(ranking),
                most_frequent_response=min(r.response for r in ranking[0]),
                n_most_frequent=len(ranking[0]),
                other_response=min(r.response for r in ranking[1]),
                first_observed_at=min(r.observed_at for r in executions),
                last_observed_at=max(r.observed_at for r in executions),
            )
        )
    return rows


def is_of_one_test(*rows: CubeRow) -> bool:
    """Whether the content of the test was recorded for all rows, and is the same."""
    contents = {content_of_test(r) for r in rows}
    return len(contents) == 1 and None not in contents


def build_flips(cells: Iterable[LineageCell]) -> list[FlipRow]:
    """Return the stimuli whose response changed for one revision and went back."""
    rows = []
    for of_stimulus in group(
        (c for c in cells if c.is_executed),
        lambda c: (*_problem(c.row), c.revision.lineage, c.row.environment_id, c.stimulus),
    ).values():
        in_order = sorted(of_stimulus, key=lambda c: c.revision.revision_rank)
        flips = [
            flip
            for before, flip, after in zip(in_order, in_order[1:], in_order[2:], strict=False)
            if before.row.response_hash == after.row.response_hash != flip.row.response_hash
            and (
                before.content_hash == flip.content_hash == after.content_hash
                or is_of_one_test(before.row, flip.row, after.row)
            )
        ]
        if not flips:
            continue
        latest, last_flip = in_order[-1], flips[-1]
        judged = [c.is_right for c in in_order if c.is_right is not None]
        rows.append(
            FlipRow(
                data_set_id=latest.row.data_set_id,
                problem_id=latest.row.problem_id,
                lineage=latest.revision.lineage,
                environment_id=latest.row.environment_id,
                test_id=latest.row.test_id,
                step_id=latest.row.step_id,
                operation=latest.row.operation,
                inputs=latest.row.inputs,
                n_revisions=len(in_order),
                n_judged=len(judged),
                n_wrong=judged.count(False),
                wrong_share=share(judged.count(False), len(judged)),
                n_flips=len(flips),
                last_flip_implementation_id=last_flip.row.implementation_id,
                last_flip_response=last_flip.row.response,
                last_flip_at=last_flip.row.observed_at,
                last_response=latest.row.response,
                first_observed_at=min(c.row.observed_at for c in in_order),
                last_observed_at=max(c.row.observed_at for c in in_order),
            )
        )
    return rows


def build_lineage_revisions(revisions: Iterable[Revision]) -> list[LineageRevisionRow]:
    """Return the revisions with their places."""
    names = [field.name for field in fields(LineageRevisionRow)]
    return [LineageRevisionRow(*(getattr(r, name) for name in names)) for r in revisions]


def build_lineage_states(cells: Iterable[LineageCell]) -> list[LineageStateRow]:
    """Return what became of each stimulus in each revision."""
    own = {"lineage", "revision", "revision_rank", "content_hash", "is_executed", "is_right"}
    common = [field.name for field in fields(LineageStateRow) if field.name not in own]
    return [
        LineageStateRow(
            lineage=cell.revision.lineage,
            revision=cell.revision.revision,
            revision_rank=cell.revision.revision_rank,
            content_hash=cell.content_hash,
            is_executed=cell.is_executed,
            is_right=cell.is_right,
            **{name: getattr(cell.row, name) for name in common},
        )
        for cell in cells
    ]


def build_latest_state(
    revisions: Iterable[Revision], cells: Iterable[LineageCell]
) -> list[LatestStateRow]:
    """Return what each stimulus is now, since when, and when it was right last."""
    rows = []
    cells_of = group(cells, lambda c: (*_problem(c.row), c.revision.lineage, c.row.environment_id))
    for place, of_lineage in group(
        revisions, lambda r: (r.data_set_id, r.problem_id, r.lineage, r.environment_id)
    ).items():
        in_order = sorted(of_lineage, key=lambda r: r.revision_rank)
        of_stimulus = group(cells_of.get(place, []), lambda c: (c.row.test_id, c.stimulus))
        for found in of_stimulus.values():
            by_rank = {c.revision.revision_rank: c for c in found}
            rows.append(latest_state_row(in_order, by_rank))
    return rows


def latest_state_row(
    revisions: Sequence[Revision], cells: dict[int, LineageCell]
) -> LatestStateRow:
    """Return the latest state of a stimulus, from its cells by the ranks of revisions."""
    last = cells[max(cells)]
    executed = [cells[rank] for rank in sorted(cells) if cells[rank].is_executed]
    series: list[LineageCell] = []
    for cell in executed:
        judgement = (cell.is_right, None if cell.is_right is not None else cell.row.response_hash)
        same = series and judgement == (
            series[0].is_right, None if series[0].is_right is not None else series[0].row.response_hash
        )  # fmt: skip
        series = [*series, cell] if same else [cell]
    right = [cell for cell in executed if cell.is_right]
    latest, good = (executed or [None])[-1], (right or [None])[-1]
    bad = series[0] if latest is not None and latest.is_right is False else None
    if max(cells) < len(revisions):
        state, rank = "gone", max(cells) + 1
    elif not last.is_executed:
        after = latest.revision.revision_rank if latest is not None else 0
        state, rank = "skipped", min(r for r in cells if r > after)
    else:
        words = {True: "right", False: "wrong", None: "unjudged"}
        state, rank = words[last.is_right], series[0].revision.revision_rank
    since = revisions[rank - 1]

    def named(cell: LineageCell | None) -> tuple[Any, Any, Any]:
        if cell is None:
            return None, None, None
        return cell.revision.implementation_id, cell.revision.revision, cell.row.observed_at

    return LatestStateRow(
        data_set_id=since.data_set_id,
        problem_id=since.problem_id,
        lineage=since.lineage,
        environment_id=since.environment_id,
        test_id=last.row.test_id,
        step_id=last.row.step_id,
        operation=last.row.operation,
        inputs=last.row.inputs,
        state=state,
        n_revisions=len(executed),
        since_implementation_id=since.implementation_id,
        since_revision=since.revision,
        since_at=cells[rank].row.observed_at if rank in cells else since.first_executed_at,
        n_revisions_since=len(revisions) - rank + 1,
        executed_implementation_id=named(latest)[0],
        executed_revision=named(latest)[1],
        is_right=latest.is_right if latest is not None else None,
        response=latest.row.response if latest is not None else None,
        response_kind=latest.row.response_kind if latest is not None else None,
        run_id=latest.row.run_id if latest is not None else None,
        observed_at=named(latest)[2],
        first_wrong_implementation_id=named(bad)[0],
        first_wrong_revision=named(bad)[1],
        first_wrong_at=named(bad)[2],
        last_right_implementation_id=named(good)[0],
        last_right_revision=named(good)[1],
        last_right_at=named(good)[2],
    )


# --- transitions ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Context:
    """The given parts of one side of the transitions; None if not given."""

    run_id: str | None = None
    environment_id: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class RunColumn:
    """The responses of an implementation in one run and environment."""

    environment_id: str
    run_id: str
    implementation_id: str
    began_at: datetime
    cells: list[CubeRow]

    @property
    def is_set_aside(self) -> bool:
        return self.cells[0].is_set_aside


Subjects = list[tuple[str, RunColumn]]
Start = tuple[datetime, str]
"""The start of a run and its run_id, which order runs."""


def build_transitions(
    cube: Iterable[CubeRow],
    descriptions: Iterable[Description],
    before: Context | None = None,
    after: Context | None = None,
) -> list[TransitionRow]:
    """Return the move between clusters of two runs, per pair of environments and subject."""
    before, after = before or Context(), after or Context()
    described = group(descriptions, lambda d: (d.data_set_id, d.problem_id, d.implementation_id))
    rows = []
    for problem, of_problem in group(cube, _problem).items():
        columns = run_columns(of_problem)
        # What was executed only in runs that are set aside is no implementation of the problem.
        own = {
            c.implementation_id: described.get((*problem, c.implementation_id), [])
            for c in columns
            if not c.is_set_aside
        }
        olds, news = (
            [
                (subject, c)
                for c in columns
                if (subject := subject_of(c, context, own.get(c.implementation_id, []))) is not None
            ]
            for context in (before, after)
        )
        for old_environment, new_environment in environment_pairs(columns, before, after):
            new = latest_run(news, new_environment, after.run_id)
            is_same = old_environment == new_environment and before.revision is None
            earlier_than = new if is_same and before.run_id is None else None
            old = latest_run(olds, old_environment, before.run_id, earlier_than)
            if old is not None and new is not None:
                rows += transitions_of_pair(
                    problem,
                    (old_environment, old[1]),
                    (new_environment, new[1]),
                    side(olds, old_environment, old[1]),
                    side(news, new_environment, new[1]),
                )
    return rows


def run_columns(cube: Iterable[CubeRow]) -> list[RunColumn]:
    """Return the columns of all runs of one problem, without the specified oracle."""
    cube = [r for r in cube if r.implementation_id != ORACLE]
    began = group(executed(cube), lambda r: (r.environment_id, r.run_id, r.implementation_id))
    finals = group(
        final_responses(cube), lambda r: (r.environment_id, r.run_id, r.implementation_id)
    )
    return [
        RunColumn(*key, began_at=min(r.observed_at for r in began[key]), cells=cells)
        for key, cells in finals.items()
    ]


def subject_of(
    column: RunColumn, context: Context, descriptions: Iterable[Description]
) -> str | None:
    """Return the subject to follow: the implementation, or the lineage if a revision is given; else None."""
    if context.revision is None:
        return column.implementation_id
    if latest_value(descriptions, "revision") != context.revision:
        return None
    return latest_value(descriptions, "lineage")


def latest_run(
    subjects: Subjects, environment_id: str, run_id: str | None, earlier_than: Start | None = None
) -> Start | None:
    """Return the given run, or the one in an environment that began last and is not set aside; else None."""
    runs = group(
        (
            c
            for _, c in subjects
            if c.environment_id == environment_id and (run_id is not None or not c.is_set_aside)
        ),
        lambda c: c.run_id,
    )
    starts = [
        (min(c.began_at for c in of_run), run)
        for run, of_run in runs.items()
        if run_id in (None, run)
    ]
    return max((s for s in starts if earlier_than is None or s < earlier_than), default=None)


def side(subjects: Subjects, environment_id: str, run_id: str) -> Side:
    """Return the column of each subject in a run: that of its implementation that began last."""
    of_run = [s for s in subjects if (s[1].environment_id, s[1].run_id) == (environment_id, run_id)]
    in_order = sorted(of_run, key=lambda s: (s[1].began_at, s[1].implementation_id))
    return {subject: (c.implementation_id, c.cells) for subject, c in in_order}


Side = dict[str, tuple[str, list[CubeRow]]]
"""implementation_id and its cells, by subject"""


def environment_pairs(
    columns: Iterable[RunColumn], before: Context, after: Context
) -> list[tuple[str, str]]:
    """Return the environments to compare; one that only one side names applies to both."""
    old, new = before.environment_id, after.environment_id
    if old is None and new is None:
        return [(e, e) for e in {c.environment_id for c in columns}]
    return [(first_known(old, new) or "", first_known(new, old) or "")]


def transitions_of_pair(
    problem: Problem,
    place_before: tuple[str, str],
    place_after: tuple[str, str],
    before: Side,
    after: Side,
) -> list[TransitionRow]:
    """Return the clusters of each subject in two runs."""
    clusters_before = clusters_of_side(before)
    clusters_after = clusters_of_side(after)
    rows = []
    for subject in before.keys() | after.keys():
        old = next((c for c in clusters_before if subject in c[1]), None)
        new = next((c for c in clusters_after if subject in c[1]), None)
        is_same_stimuli = common = same = kept = lost = gained = None
        if old is None:
            transition: str | None = "appeared"
        elif new is None:
            transition = "disappeared"
        else:
            others_before = (old[1] & after.keys()) - {subject}
            others_after = (new[1] & before.keys()) - {subject}
            kept = len(others_before & others_after)
            lost = len(others_before - others_after)
            gained = len(others_after - others_before)
            earlier, later = ({_step(c): c for c in of[subject][1]} for of in (before, after))
            is_same_stimuli = earlier.keys() == later.keys()
            both = [(earlier[s], later[s]) for s in earlier.keys() & later.keys()]
            edited = [_step(a) for a, b in both if not is_same_stimulus(a, b)]
            same = sum(a.response_hash == b.response_hash for a, b in both)
            common = same + sum(
                a.response_hash != b.response_hash
                and not any(t == a.test_id and step <= a.step_id for t, step in edited)
                for a, b in both
            )
            transition = None if not common else "stayed" if same == common else "moved"
        rows.append(
            TransitionRow(
                data_set_id=problem[0],
                problem_id=problem[1],
                from_environment_id=place_before[0],
                to_environment_id=place_after[0],
                subject_id=subject,
                from_run_id=place_before[1],
                to_run_id=place_after[1],
                from_implementation_id=before[subject][0] if old else None,
                to_implementation_id=after[subject][0] if new else None,
                from_cluster_id=old[0] if old else None,
                to_cluster_id=new[0] if new else None,
                from_cluster_rank=clusters_before.index(old) + 1 if old else None,
                to_cluster_rank=clusters_after.index(new) + 1 if new else None,
                from_n_implementations=len(old[1]) if old else None,
                to_n_implementations=len(new[1]) if new else None,
                transition=transition,
                is_same_stimuli=is_same_stimuli,
                n_common_stimuli=common,
                n_answers_kept=same,
                answers_kept_share=same / common if same is not None and common else None,
                n_companions_kept=kept,
                n_companions_lost=lost,
                n_companions_gained=gained,
            )
        )
    return rows


def clusters_of_side(side: Side) -> list[tuple[str, set[str]]]:
    """Return signature and subjects of each cluster, the largest first."""
    clusters = group(side, lambda subject: signature(side[subject][1]))
    return [
        (cluster_id, set(subjects))
        for cluster_id, subjects in sorted(
            clusters.items(), key=lambda c: (-len(c[1]), min(side[s][0] for s in c[1]))
        )
    ]


# --- assessments ---------------------------------------------------------------------------------

Column = dict[Step, MatrixRow]
"""The cells of one implementation by stimulus"""

PASS_AT_K = 1
"""Number of implementations that pass@k draws."""

SUITE_ROUNDS = 16
"""Maximal number of tests of a problem that are chosen greedily."""


@dataclass(frozen=True)
class Assessed:
    """The assessments of one problem."""

    matrix: list[MatrixRow]
    agreements: list[AgreementRow]
    implementations: list[AssessmentRow]
    problem: ProblemAssessmentRow
    suspects: list[SuspectRow]


def assess(
    matrix: list[MatrixRow],
    consensus_rows: list[ConsensusRow],
    accepted_of: dict[StimulusOfProblem, frozenset[str]],
    eligible: set[str],
    voting: Voting,
) -> Assessed:
    """Assess the implementations, the specified oracle and the disagreement of one problem.

    Args:
        matrix: cells of the problem.
        consensus_rows: consensus on each of its stimuli.
        accepted_of: hashes of the responses that are right by the specified oracle.
        eligible: implementations that vote.
        voting: how they vote.
    """
    problem = _problem(matrix[0])
    members = build_cluster_members(matrix)
    consensus = {(r.test_id, r.step_id): r for r in consensus_rows}
    columns: dict[str, Column] = defaultdict(dict)
    for cell in matrix:
        columns[cell.implementation_id][_step(cell)] = cell
    columns.pop(ORACLE, {})
    rank_of = {m.implementation_id: m.cluster_rank for m in members}
    size_of = Counter(rank_of.values())

    votes = {
        s: {
            i: columns[i][s].response_hash
            for i in sorted(eligible)
            if s in columns[i] and is_vote(columns[i][s], voting)
        }
        for s in consensus
    }

    # The response hashes that are right by each oracle, by stimulus.
    leaders = set().union(*leading_clusters(members, eligible))
    by_consensus = {s: winner(r, votes[s].values()) for s, r in consensus.items()}
    by_cluster = {
        s: None
        if r.cluster_oracle_response is None
        else frozenset({votes[s][min(leaders & votes[s].keys())]})
        for s, r in consensus.items()
    }
    current = {s for s, r in consensus.items() if r.is_current}
    by_specified = {s: accepted_of.get((*problem, *s)) if s in current else None for s in consensus}
    with_verdict = {
        s
        for column in columns.values()
        for s, c in column.items()
        if c.response_kind == "verdict" and c.is_current_content
    }
    steps_of_test = group(current, lambda s: s[0])

    def right(column: Column, oracle: dict[Step, frozenset[str] | None]) -> dict[Step, bool]:
        judged = {
            s: is_known_right(c, oracle.get(s)) for s, c in column.items() if c.is_current_content
        }
        return {s: is_it for s, is_it in judged.items() if is_it is not None}

    def equal(column: Column, oracle: dict[Step, frozenset[str] | None]) -> list[bool]:
        return [
            c.response_hash in wanted
            for s, c in column.items()
            if (wanted := oracle[s]) is not None and c.is_current_content
        ]

    def passes(column: Column, oracle: dict[Step, frozenset[str] | None]) -> bool | None:
        judgeable = {s for s, wanted in oracle.items() if wanted is not None} | with_verdict
        if not judgeable:
            return None
        verdicts = right(column, oracle)
        return all(verdicts.get(s, False) for s in judgeable)

    def tests_passed(column: Column) -> frozenset[str]:
        verdicts = right(column, by_consensus)
        return frozenset(
            test
            for test, steps in steps_of_test.items()
            if all(s in column and column[s].is_current_content for s in steps)
            and any(s in verdicts for s in steps)
            and all(verdicts.get(s, True) for s in steps)
        )

    def agreement(a: str, b: str) -> tuple[int, int]:
        common = columns[a].keys() & columns[b].keys()
        same = [columns[a][s].response_hash == columns[b][s].response_hash for s in common]
        return len(common), sum(same)

    passed = {i: tests_passed(column) for i, column in columns.items()}
    agreements = {(a, b): agreement(a, b) for a in columns for b in columns if a != b}

    scores: dict[str, tuple[int, int, Fraction | None] | None] = {}
    for i in columns:
        if i not in eligible:
            scores[i] = None
            continue
        shares = [
            Fraction(agreements[i, j][1], agreements[i, j][0])
            for j in eligible
            if j != i and agreements[i, j][0]
        ]
        mean = rounded(sum(shares, Fraction(0)) / len(shares)) if shares else None
        same = sum(passed[j] == passed[i] for j in eligible)
        scores[i] = (len(passed[i]), same, mean)

    def merit(i: str) -> tuple[bool, int, bool, Fraction]:
        score = scores[i]
        if score is None:
            return (False, 0, False, Fraction(0))
        n_passed, same, mean = score
        return (True, n_passed**2 * same, mean is not None, mean or Fraction(0))

    # Sorting is stable, also in reverse.
    in_order = sorted(sorted(columns), key=merit, reverse=True)
    ranking = {i: rank for rank, i in enumerate(in_order, start=1)}

    implementations = []
    for i, column in columns.items():
        consensus_equal, cluster_equal = equal(column, by_consensus), equal(column, by_cluster)
        judged = right(column, by_specified).values()
        kinds = Counter(c.response_kind for c in column.values())
        score = scores[i]
        implementations.append(
            AssessmentRow(
                data_set_id=problem[0],
                problem_id=problem[1],
                implementation_id=i,
                n_stimuli=len(column),
                n_not_run=len(current - column.keys()),
                n_exceptions=kinds["exception"],
                n_timeouts=kinds["timeout"],
                n_crashes=kinds["crash"],
                is_voter=i in eligible,
                cluster_rank=rank_of[i],
                cluster_size=size_of[rank_of[i]],
                n_consensus_compared=len(consensus_equal),
                n_consensus_agreeing=sum(consensus_equal),
                consensus_agreement=share(sum(consensus_equal), len(consensus_equal)),
                n_cluster_oracle_compared=len(cluster_equal),
                n_cluster_oracle_agreeing=sum(cluster_equal),
                cluster_oracle_agreement=share(sum(cluster_equal), len(cluster_equal)),
                n_specified_compared=len(judged),
                n_specified_agreeing=sum(judged),
                specified_agreement=share(sum(judged), len(judged)),
                passes_consensus=passes(column, by_consensus),
                passes_specified=passes(column, by_specified),
                n_tests_passed=len(passed[i]),
                n_same_tests_passed=score[1] if score else None,
                dual_agreement_score=round(score[0] * math.sqrt(score[1]), 6) if score else None,
                mbr_score=float(score[2]) if score and score[2] is not None else None,
                assessment_rank=ranking[i],
            )
        )

    test_based = [r.agrees_with_specified for r in consensus.values()]
    cluster_based = [
        None if (voted := by_cluster[s]) is None or (wanted := by_specified[s]) is None
        else voted <= wanted
        for s in consensus
    ]  # fmt: skip
    n_specified, n_passing_specified = _passing(r.passes_specified for r in implementations)
    n_decided, n_passing_consensus = _passing(r.passes_consensus for r in implementations)
    common = [s for s in consensus if 2 * sum(s in c for c in columns.values()) > len(columns)]
    assessment = ProblemAssessmentRow(
        data_set_id=problem[0],
        problem_id=problem[1],
        n_implementations=len(columns),
        n_voters=len(eligible),
        n_tests=len({test for test, _ in consensus}),
        n_stimuli=len(consensus),
        n_common_stimuli=len(common),
        common_stimuli_share=len(common) / len(consensus) if columns else None,
        n_clusters=len(size_of),
        n_largest_cluster=max(size_of.values(), default=0),
        entropy=entropy(list(size_of.values())) if size_of else None,
        n_tied_stimuli=sum(r.consensus == "tie" for r in consensus.values()),
        tied_share=sum(r.consensus == "tie" for r in consensus.values()) / len(consensus),
        n_specified_stimuli=sum(
            s in current and (r.specified_response is not None or s in with_verdict)
            for s, r in consensus.items()
        ),
        n_consensus_compared=sum(agrees is not None for agrees in test_based),
        n_consensus_differing=test_based.count(False),
        consensus_differing_share=share(
            test_based.count(False), sum(agrees is not None for agrees in test_based)
        ),
        n_cluster_oracle_compared=sum(agrees is not None for agrees in cluster_based),
        n_cluster_oracle_differing=cluster_based.count(False),
        cluster_oracle_differing_share=share(
            cluster_based.count(False), sum(agrees is not None for agrees in cluster_based)
        ),
        k=PASS_AT_K,
        n_passing_specified=n_passing_specified if n_specified else None,
        specified_pass_at_k=pass_at_k(n_specified, n_passing_specified, PASS_AT_K),
        n_passing_consensus=n_passing_consensus if n_decided else None,
        consensus_pass_at_k=pass_at_k(n_decided, n_passing_consensus, PASS_AT_K),
    )

    leading = leading_clusters(members, eligible)
    has_majority = bool(leading) and 2 * len(leading[0]) > len(eligible)
    suspects = []
    for step, row in consensus.items():
        wanted, voted, of_cluster = by_specified[step], by_consensus[step], by_cluster[step]
        if wanted is None or row.specified_response is None:
            continue
        if voted is None or voted <= wanted:
            continue
        is_accused_by_cluster = has_majority and of_cluster is not None and not of_cluster <= wanted
        exemplar = next(i for i, h in votes[step].items() if h in voted)
        suspects.append(
            SuspectRow(
                data_set_id=problem[0],
                problem_id=problem[1],
                test_id=step[0],
                step_id=step[1],
                operation=columns[exemplar][step].operation,
                inputs=columns[exemplar][step].inputs,
                accused_by="both" if is_accused_by_cluster else "consensus",
                specified_response=row.specified_response,
                n_specified_responses=row.n_specified_responses,
                oracle_response=row.oracle_response,
                consensus=row.consensus,
                n_voters=row.n_voters,
                n_votes=row.n_votes,
                vote_share=row.n_votes / row.n_voters,
                cluster_oracle_response=row.cluster_oracle_response,
                n_cluster_oracle_votes=sum(h in (of_cluster or ()) for h in votes[step].values()),
                n_specified_votes=sum(h in wanted for h in votes[step].values()),
                differing_implementation_id=exemplar,
                specified_implementation_id=next(
                    (i for i, h in votes[step].items() if h in wanted), None
                ),
            )
        )

    return Assessed(
        matrix=matrix,
        agreements=[
            AgreementRow(*problem, a, b, n, same, share(same, n))
            for (a, b), (n, same) in agreements.items()
            if a < b
        ],
        implementations=implementations,
        problem=assessment,
        suspects=suspects,
    )


def winner(row: ConsensusRow, votes: Iterable[str]) -> frozenset[str] | None:
    """Return the hash with the most votes; None if the vote has no winner."""
    if row.oracle_response is None:
        return None
    return frozenset({Counter(votes).most_common(1)[0][0]})


def _passing(passes: Iterable[bool | None]) -> tuple[int, int]:
    """Return the numbers of implementations that could pass, and that do."""
    known = [p for p in passes if p is not None]
    return len(known), sum(known)


def pass_at_k(n: int, c: int, k: int) -> float | None:
    """Return the probability that at least one of k drawn implementations passes, if c of n pass."""
    if n < k:
        return None
    return float(rounded(1 - Fraction(math.comb(n - c, k), math.comb(n, k))))


def rounded(value: Fraction) -> Fraction:
    """Return a number that is not negative, rounded to 6 digits, half up."""
    return Fraction(math.floor(value * 10**6 + Fraction(1, 2)), 10**6)


def share(part: int, whole: int) -> float | None:
    """Return a share; None if the whole is 0."""
    return part / whole if whole else None


def discriminations(matrix: list[MatrixRow]) -> list[DiscriminationRow]:
    """Return how well each test of one problem tells its clusters apart, and whether it is in the suite."""
    cells = {(c.implementation_id, *_step(c)): c.response_hash for c in matrix}
    steps = {test: sorted({_step(c) for c in cs}) for test, cs in group(matrix, _test).items()}
    exemplars = {
        min(m.implementation_id for m in members)
        for members in group(build_cluster_members(matrix), lambda m: m.cluster_rank).values()
    }

    def answer(exemplar: str, test: str) -> tuple[str | None, ...]:
        return tuple(cells.get((exemplar, *step)) for step in steps[test])

    pairs = [(a, b) for a in exemplars for b in exemplars if a < b]
    splits = {
        test: {(a, b) for a, b in pairs if answer(a, test) != answer(b, test)} for test in steps
    }

    suite: dict[str, tuple[int, int]] = {}
    left = set(pairs)
    while left and len(suite) < SUITE_ROUNDS:
        best = min(steps, key=lambda t: (-len(splits[t] & left), len(steps[t]), t))
        suite[best] = (len(suite) + 1, len(splits[best] & left))
        left -= splits[best]
    for test in sorted(steps, key=lambda t: (-len(splits[t] & left), len(steps[t]), t)):
        if splits[test] & left:
            suite[test] = (len(suite) + 1, len(splits[test] & left))

    rows = []
    for test in steps:
        classes = Counter(answer(exemplar, test) for exemplar in exemplars)
        place, newly_split = suite.get(test, (None, None))
        rows.append(
            DiscriminationRow(
                data_set_id=matrix[0].data_set_id,
                problem_id=matrix[0].problem_id,
                test_id=test,
                n_steps=len(steps[test]),
                n_clusters=len(exemplars),
                n_distinct_columns=len(classes),
                n_pairs_split=len(splits[test]),
                entropy=entropy(list(classes.values())) if classes else 0.0,
                suite_rank=place,
                n_pairs_newly_split=newly_split,
                is_in_minimal_suite=test in suite,
            )
        )
    return rows


# --- helpers -------------------------------------------------------------------------------------

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def group(rows: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Return the rows by their key."""
    groups: dict[K, list[T]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)


def none_first(value: Any) -> tuple[bool, Any]:
    """Return a sort key in which None comes before every other value."""
    return (value is not None, value)


def first_known(*values: str | None) -> str | None:
    """Return the first value that is not None."""
    return next((value for value in values if value is not None), None)


def _problem(row: CubeRow | MatrixRow | ClusterMemberRow | ConsensusRow) -> Problem:
    return (row.data_set_id, row.problem_id)


def _test(row: MatrixRow) -> str:
    return row.test_id


def _step(row: CubeRow | MatrixRow | LineageRow) -> Step:
    return (row.test_id, row.step_id)

"""Hand-computed examples, one or more per rule, and properties of the naive reference."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .naive import (
    COLUMNS,
    KEYS,
    NOT_EXECUTED_KINDS,
    ORACLE,
    ChangeRow,
    ClusterRow,
    ConsensusRow,
    CubeRow,
    Decision,
    Description,
    FlakyRow,
    LineageRow,
    Marts,
    MatrixRow,
    Observation,
    canonical_response,
    compute,
    md5,
    pass_at_k,
    response_text,
    runs_set_aside,
)
from .strategies import (
    DATA_SET_IDS,
    NIGHTS,
    RESPONSES,
    described_sets,
    observation_sets,
    random_descriptions,
    random_observations,
)
from .voting import Voting

T0 = datetime(2024, 1, 1, tzinfo=UTC)
MD5_OF_42 = "a1d0c6e83f027327d8461063f4ac58a6"


def at(seconds: int) -> datetime:
    """Return a time, in seconds after the first."""
    return T0 + timedelta(seconds=seconds)


def obs(
    implementation_id: str, output: str | None, kind: str = "value", **other: Any
) -> Observation:
    """Return an observation of a standard stimulus in a standard context."""
    row = Observation(
        data_set_id="d",
        problem_id="p",
        test_id="t1",
        step_id=0,
        implementation_id=implementation_id,
        environment_id="env",
        run_id="run",
        attempt=0,
        operation="f(int)",
        target=None,
        inputs="[1]",
        output=output,
        response_kind=kind,
        duration_ns=5,
        observed_at=T0,
        load_id="l1",
    )
    return replace(row, **other)


def revision(implementation_id: str, lineage: str | None = "main", **other: Any) -> Description:
    """Return a description of an implementation as a revision of one lineage."""
    row = Description(
        data_set_id="d",
        problem_id="p",
        implementation_id=implementation_id,
        lineage=lineage,
        revision=None,
        revised_at=None,
        load_id="l1",
    )
    return replace(row, **other)


def consensus(*observations: Observation) -> ConsensusRow:
    """Return the consensus on the only stimulus."""
    (row,) = compute(observations).consensus_oracles
    return row


def consensus_by_step(*observations: Observation) -> dict[tuple[str, int], ConsensusRow]:
    """Return the consensus on each stimulus of one problem."""
    return {(r.test_id, r.step_id): r for r in compute(observations).consensus_oracles}


def cell(*observations: Observation) -> MatrixRow:
    """Return the only cell of the matrix."""
    (row,) = compute(observations).stimulus_response_matrix
    return row


def cube_row(*observations: Observation) -> CubeRow:
    """Return the only row of the cube."""
    (row,) = compute(observations).stimulus_response_cube
    return row


def clusters(*observations: Observation) -> list[ClusterRow]:
    """Return the clusters by rank."""
    return sorted(compute(observations).behavior_clusters, key=lambda c: c.cluster_rank)


def cluster_sets(marts: Marts) -> list[set[str]]:
    """Return the members of each cluster by rank."""
    sets: dict[int, set[str]] = {}
    for member in marts.behavior_cluster_members:
        sets.setdefault(member.cluster_rank, set()).add(member.implementation_id)
    return [sets[rank] for rank in sorted(sets)]


# --- responses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "kind", "text"),
    [
        ("42", "value", "42"),
        ("", "value", ""),
        ("", "void", "{}"),
        ("", "timeout", ""),
        (None, "value", ""),
        (None, "void", "{}"),
        (None, "timeout", "$TIMEOUT"),
        (None, "crash", "$CRASH"),
        (None, "not_serializable", "$N/A"),
        ("$N/A@x", "not_serializable", "$N/A@x"),
        (None, "not_executed", "$*"),
        (None, "skipped", "$*"),
        (None, "exception", ""),
        (None, "instance", ""),
        (None, "verdict", ""),
        (None, "other", ""),
    ],
)
def test_response_text(output: str | None, kind: str, text: str) -> None:
    assert response_text(output, kind) == text
    assert cube_row(obs("a", output, kind)).response == text


@pytest.mark.parametrize(
    ("response", "kind", "canonical"),
    [
        ("passed", "verdict", "passed"),
        ("failed@E@m@n", "verdict", "failed"),
        ("@x", "verdict", ""),
        ("", "verdict", ""),
        ("passed@x", "value", "passed@x"),
        ("$EXCEPTION@E@m", "exception", "$EXCEPTION@E@m"),
    ],
)
def test_canonical_response(response: str, kind: str, canonical: str) -> None:
    assert canonical_response(response, kind) == canonical


def test_response_hash() -> None:
    assert cube_row(obs("a", "42")).response_hash == MD5_OF_42
    assert cube_row(obs("a", "42@more", "verdict")).response_hash == MD5_OF_42
    assert md5("é\U0001f600") == "62b3afe3b01f6f80152b567d9b216cde"


# --- cube ----------------------------------------------------------------------------------------


def test_cube_keeps_everything_of_the_observation() -> None:
    row = cube_row(obs("a", None, "void", target="T", duration_ns=None, attempt=3))
    assert row == CubeRow(
        "d", "p", "t1", 0, "a", "env", "run", 3, "f(int)", "T", "[1]", None, "{}", "void",
        "99914b932bd37a50b983c5e7c90ae93b", True, False, None, T0,
    )  # fmt: skip


def test_cube_keeps_what_was_not_executed_and_every_context() -> None:
    marts = compute(
        [
            obs("a", None, "not_executed"),
            obs("a", None, "skipped", attempt=1),
            obs("a", "1", run_id="run2"),
            obs("a", "1", environment_id="env2"),
        ]
    )
    assert len(marts.stimulus_response_cube) == 4


@pytest.mark.parametrize(
    ("loser", "winner"),
    [
        (obs("a", "9", observed_at=at(0)), obs("a", "1", observed_at=at(1))),
        (obs("a", "10"), obs("a", "9")),  # text order, not number order
        (obs("a", "\uff21"), obs("a", "\U0001f600")),  # code points, not UTF-16 units
        (obs("a", "Z"), obs("a", "a")),  # code points, no collation
        (obs("a", "#"), obs("a", None, "timeout")),  # the text counts, not the missing output
        (obs("a", "1", "value"), obs("a", "1", "verdict")),
        (obs("a", "1", operation=None), obs("a", "1", operation="")),
        (obs("a", "1", operation="f"), obs("a", "1", operation="g", target="", inputs=None)),
        (obs("a", "1", target=None), obs("a", "1", target="A")),
        (obs("a", "1", inputs=None), obs("a", "1", inputs="")),
        (obs("a", "1", inputs="[1]"), obs("a", "1", inputs="[2]", duration_ns=None)),
        (obs("a", "1", duration_ns=None), obs("a", "1", duration_ns=0)),
        (obs("a", "1", duration_ns=9), obs("a", "1", duration_ns=10)),
    ],
)
def test_duplicate_keys(loser: Observation, winner: Observation) -> None:
    loser = replace(loser, load_id="l9")  # the load decides last
    assert cube_row(loser, winner) == cube_row(winner, loser) == cube_row(winner)
    assert cube_row(loser, winner) != cube_row(loser)


def test_the_same_row_loaded_twice_is_one() -> None:
    once = [obs("a", "1"), obs("b", "2")]
    assert compute(once) == compute(once + [replace(o, load_id="l2") for o in once])


# --- matrix --------------------------------------------------------------------------------------


def test_last_attempt_counts_whatever_its_time() -> None:
    row = cell(obs("a", "1", attempt=2, observed_at=at(0)), obs("a", "2", attempt=1,
               observed_at=at(9)), obs("a", "3", attempt=0))  # fmt: skip
    assert (row.response, row.observed_at, row.n_runs, row.is_stable) == ("1", at(0), 1, True)


def test_attempts_are_numbers() -> None:
    assert cell(obs("a", "1", attempt=10), obs("a", "2", attempt=9)).response == "1"


def test_attempt_that_was_not_executed_does_not_count() -> None:
    row = cell(obs("a", "1"), obs("a", None, "skipped", attempt=1, observed_at=at(5)))
    assert (row.response, row.observed_at) == ("1", T0)


def test_never_executed_has_no_cell_anywhere_but_in_the_cube() -> None:
    marts = compute([obs("a", None, "not_executed"), obs("b", "$*", "skipped")])
    assert len(marts.stimulus_response_cube) == 2
    assert marts.stimulus_response_matrix == []
    assert marts.response_signatures == []
    assert marts.behavior_clusters == []
    assert marts.behavior_cluster_members == []
    assert marts.consensus_oracles == []


def test_two_runs_the_later_counts() -> None:
    row = cell(
        obs("a", "1", run_id="z", observed_at=at(0)), obs("a", "2", run_id="b", observed_at=at(1))
    )
    assert (row.response, row.run_id, row.n_runs, row.is_stable) == ("2", "b", 2, False)


def test_later_run_that_did_not_execute_the_stimulus() -> None:
    row = cell(obs("a", "1"), obs("a", None, "skipped", run_id="run2", observed_at=at(9)))
    assert (row.response, row.run_id, row.n_runs, row.is_stable) == ("1", "run", 1, True)


def test_equal_times_run_then_environment_decide() -> None:
    rows = [
        obs("a", "1", run_id="run2", environment_id="a"),
        obs("a", "2", run_id="run2", environment_id="b"),
        obs("a", "3", run_id="run10", environment_id="z"),
    ]
    row = cell(*rows)
    assert (row.response, row.run_id, row.environment_id) == ("2", "run2", "b")
    assert (row.n_runs, row.is_stable) == (2, False)


def test_stability_looks_at_canonical_final_responses() -> None:
    assert cell(
        obs("a", "failed@E@1", "verdict"), obs("a", "failed@E@2", "verdict", environment_id="e2")
    ).is_stable
    assert cell(obs("a", "1", attempt=0), obs("a", "2", attempt=1)).is_stable
    two_environments = cell(obs("a", "1"), obs("a", "2", environment_id="e2"))
    assert (two_environments.n_runs, two_environments.is_stable) == (1, False)


# --- signatures ----------------------------------------------------------------------------------


def test_signature_computed_by_shell_tools() -> None:
    # printf 42 | md5sum; printf '<that>:0:t1' | md5sum …; od -t u8 reads the bytes of both; bc adds; md5sum
    assert md5(f"{MD5_OF_42}:0:t1") == "330d4167600ed80685b0f6aa3c0ffe49"
    assert md5(f"{MD5_OF_42}:1:t1") == "bc649d68d8a51647b9fb87fb1bf39f4a"
    expected = md5("2:5615623941476217327:10708999543707315262")
    assert expected == "a879abfd717fb010bbc87aeee35f1612"
    marts = compute([obs("a", "42"), obs("a", "42", step_id=1)])
    (row,) = marts.response_signatures
    assert row.signature == expected
    assert row.stimuli_signature == "a0862a098f0b38dd98317716d33bde61"
    assert (row.n_tests, row.n_steps) == (1, 2)
    assert marts.behavior_clusters[0].cluster_id == expected


def test_signatures_per_context_with_the_oracle() -> None:
    rows = compute(
        [
            obs("a", "1"),
            obs("a", "2", test_id="t2"),
            obs("a", "1", run_id="run2", attempt=0),
            obs("a", "7", run_id="run2", attempt=1),
            obs("a", None, "not_executed", run_id="run2", test_id="t2"),
            obs(ORACLE, "1"),
        ]
    ).response_signatures
    assert [(r.implementation_id, r.run_id, r.n_tests, r.n_steps) for r in rows] == [
        ("a", "run", 2, 2),
        ("a", "run2", 1, 1),
        (ORACLE, "run", 1, 1),
    ]
    assert rows[1].stimuli_signature == rows[2].stimuli_signature != rows[0].stimuli_signature
    assert rows[1].signature != rows[2].signature


# --- clusters ------------------------------------------------------------------------------------


def test_clusters_rank_exemplar_and_first_difference() -> None:
    def column(i: str, *responses: str) -> list[Observation]:
        return [obs(i, r, step_id=s) for s, r in enumerate(responses)]

    one, two, three = clusters(
        *column("b", "1", "2", "3"),
        *column("B", "1", "2", "3"),
        *column("c", "1", "2", "3"),
        *column("e", "1", "0", "0"),
        *column("d", "1", "0", "0"),
        *column("x", "0", "2", "3"),
        *column(ORACLE, "0", "2", "3"),
    )
    assert (one.cluster_rank, one.n_implementations, one.exemplar_implementation_id) == (1, 3, "B")
    assert (one.first_differing_test_id, one.first_differing_step_id) == (None, None)
    assert (two.cluster_rank, two.n_implementations, two.exemplar_implementation_id) == (2, 2, "d")
    assert (two.first_differing_test_id, two.first_differing_step_id) == ("t1", 1)
    assert (three.n_implementations, three.exemplar_implementation_id) == (1, "x")
    assert (three.first_differing_test_id, three.first_differing_step_id) == ("t1", 0)
    assert {c.n_stimuli for c in (one, two, three)} == {3}


def test_clusters_of_equal_size_rank_by_exemplar() -> None:
    rows = clusters(*(obs(i, i) for i in "abcdef"))
    assert [c.cluster_rank for c in rows] == [1, 2, 3, 4, 5, 6]
    assert [c.exemplar_implementation_id for c in rows] == list("abcdef")


def test_first_difference_sorts_tests_as_text_and_steps_as_numbers() -> None:
    def column(i: str, cells: dict[tuple[str, int], str]) -> list[Observation]:
        return [obs(i, r, test_id=t, step_id=s) for (t, s), r in cells.items()]

    usual = {("t10", 2): "1", ("t10", 10): "1", ("t2", 0): "1"}
    leader = column("a", usual) + column("b", usual)
    # differs at (t10, 10) and (t2, 0): t10 sorts before t2
    _, second = clusters(*leader, *column("c", usual | {("t10", 10): "2", ("t2", 0): "2"}))
    assert (second.first_differing_test_id, second.first_differing_step_id) == ("t10", 10)
    # differs at (t10, 10) and (t10, 2): 2 sorts before 10
    _, second = clusters(*leader, *column("c", usual | {("t10", 10): "2", ("t10", 2): "2"}))
    assert (second.first_differing_test_id, second.first_differing_step_id) == ("t10", 2)
    # has a cell that the leader lacks
    _, second = clusters(*leader, *column("c", usual | {("t1", 5): "1", ("t10", 2): "2"}))
    assert (second.first_differing_test_id, second.first_differing_step_id) == ("t1", 5)


def test_missing_cells_are_never_merged() -> None:
    marts = compute(
        [
            obs("a", "1"),
            obs("a", "2", step_id=1),
            obs("b", "1"),
            obs("b", "2", step_id=1),
            obs("c", "1"),  # agrees where it ran
            obs("d", "1"),
            obs("d", None, "not_executed", step_id=1),
            obs("e", "1", test_id="t2"),  # the same response to another stimulus
        ]
    )
    sets = cluster_sets(marts)
    assert sorted(map(sorted, sets)) == [["a", "b"], ["c", "d"], ["e"]]
    by_exemplar = {c.exemplar_implementation_id: c for c in marts.behavior_clusters}
    leader = marts.behavior_clusters
    assert min(leader, key=lambda c: c.cluster_rank).n_implementations == 2
    assert {i: c.n_stimuli for i, c in by_exemplar.items()} == {"a": 2, "c": 1, "e": 1}
    # a against c differ at step 1 whichever ranks first; e shares no stimulus with either
    second = next(c for c in leader if c.cluster_rank == 2)
    assert (second.first_differing_test_id, second.first_differing_step_id) == ("t1", 1)
    assert (by_exemplar["e"].cluster_rank, by_exemplar["e"].first_differing_test_id) == (3, "t1")
    assert by_exemplar["e"].first_differing_step_id == 0


def test_repeated_responses_do_not_cancel_out() -> None:
    rows = [obs("a", "1", step_id=s) for s in (0, 1)] + [obs("b", "2", step_id=s) for s in (0, 1)]
    assert len(clusters(*rows)) == 2


def test_exceptions_of_the_exemplar() -> None:
    (row,) = clusters(
        obs("b", "E"),
        obs("a", "E", "exception"),
        obs("a", "1", step_id=1),
        obs("b", "1", step_id=1),
    )
    assert (row.exemplar_implementation_id, row.n_exceptions, row.n_stimuli) == ("a", 1, 2)


def test_single_implementation() -> None:
    marts = compute([obs("a", "1")])
    assert cluster_sets(marts) == [{"a"}]
    (row,) = marts.consensus_oracles
    assert row == ConsensusRow(
        "d",
        "p",
        "t1",
        0,
        "1",
        "unanimous",
        1,
        1,
        0,
        1,
        1.0,
        1,
        0.0,
        "1",
        None,
        0,
        None,
        0,
        True,
    )


def test_only_the_oracle() -> None:
    marts = compute([obs(ORACLE, "1")])
    assert marts.behavior_clusters == []
    assert marts.behavior_cluster_members == []
    assert len(marts.response_signatures) == 1
    (row,) = marts.consensus_oracles
    assert row == ConsensusRow(
        "d",
        "p",
        "t1",
        0,
        None,
        "no_votes",
        0,
        0,
        0,
        None,
        None,
        0,
        None,
        None,
        "1",
        1,
        None,
        0,
        True,
    )


# --- consensus -----------------------------------------------------------------------------------


def test_majority() -> None:
    row = consensus(obs("a", "1"), obs("b", "1"), obs("c", "2"))
    assert row == ConsensusRow(
        "d",
        "p",
        "t1",
        0,
        "1",
        "majority",
        3,
        2,
        1,
        1,
        2 / 3,
        2,
        0.918296,
        "1",
        None,
        0,
        None,
        0,
        True,
    )


def test_plurality() -> None:
    row = consensus(obs("a", "1"), obs("b", "1"), obs("c", "2"), obs("d", "3"))
    assert row == ConsensusRow(
        "d",
        "p",
        "t1",
        0,
        "1",
        "plurality",
        4,
        2,
        1,
        1,
        0.5,
        3,
        1.5,
        "1",
        None,
        0,
        None,
        0,
        True,
    )


def test_tie() -> None:
    row = consensus(obs("a", "1"), obs("b", "2"), obs(ORACLE, "1"))
    assert row == ConsensusRow(
        "d",
        "p",
        "t1",
        0,
        None,
        "tie",
        2,
        1,
        1,
        1,
        0.5,
        2,
        1.0,
        None,
        "1",
        1,
        None,
        0,
        True,
    )


def test_responses_to_an_edited_stimulus_are_no_votes() -> None:
    """The latest execution decides what is asked, but an unknown content is compared with nothing."""
    rows = [
        obs("new", "1", inputs="[1]", observed_at=at(0)),
        obs("new", "2", inputs="[2]", observed_at=at(5), run_id="again"),
        obs("old", "1", inputs="[1]", observed_at=at(4)),
        obs("older", "1", inputs="[1]", observed_at=at(0)),
        obs("unknown", "2", inputs=None, observed_at=at(9)),
    ]
    row = consensus(*rows)
    assert (row.oracle_response, row.n_voters, row.n_other_contents) == ("2", 2, 2)
    # Steps after an edited one are other stimuli, too.
    rows += [replace(r, step_id=1, inputs="[0]") for r in rows]
    assert consensus_by_step(*rows)["t1", 1].n_other_contents == 2


def test_among_equally_new_contents_that_of_most_counts() -> None:
    rows = [obs(i, i, inputs=f"[{i}]") for i in "abc"] + [obs("d", "a", inputs="[a]")]
    assert consensus(*rows).n_other_contents == 2
    assert consensus(*rows).oracle_response == "a"


def test_the_content_of_a_test_decides_before_inputs() -> None:
    """Some tools record the arguments after the call, which may have changed them."""
    rows = [obs("a", "1", inputs="[1]"), obs("b", "1", inputs="[2]", observed_at=at(1))]
    same = [replace(r, test_content_hash="h") for r in rows]
    assert consensus(*rows).n_other_contents == 1
    assert consensus(*same).n_other_contents == 0
    assert consensus(same[0], rows[1]).n_other_contents == 1
    edited = [replace(r, inputs=None, test_content_hash=r.implementation_id) for r in rows]
    assert consensus(*edited).n_other_contents == 1


def test_the_date_of_a_revision_decides_whenever_it_was_run() -> None:
    rows = [
        obs("old", "1", inputs="[1]", observed_at=at(9)),
        obs("new", "2", inputs="[2]", observed_at=at(1)),
    ]
    dated = [revision("old", revised_at=at(1)), revision("new", revised_at=at(2))]
    (row,) = compute(rows, dated).consensus_oracles
    assert (row.oracle_response, row.n_voters, row.n_other_contents) == ("2", 1, 1)


def test_a_step_that_an_edit_removed_judges_nobody() -> None:
    """Unless a response to the edited test has it, though the newest one ended before."""
    rows = [
        obs("old", "1", inputs="[0]", test_content_hash="h1", observed_at=at(3)),
        obs("old", "1", step_id=1, inputs="[1]", test_content_hash="h1", observed_at=at(3)),
        obs("new", "1", inputs="[0]", test_content_hash="h2", observed_at=at(4)),
    ]
    marts = compute(rows)
    removed = marts.consensus_oracles
    assert [(r.is_current, r.n_voters) for r in removed] == [(True, 2), (False, 0)]
    assessed = {r.implementation_id: r for r in marts.implementation_assessments}
    assert (assessed["new"].n_not_run, assessed["new"].n_tests_passed) == (0, 1)
    earlier = obs("ended", "2", step_id=1, inputs="[2]", test_content_hash="h2", observed_at=at(1))
    kept = compute([*rows, earlier]).consensus_oracles
    assert [(r.is_current, r.n_voters) for r in kept] == [(True, 2), (True, 1)]


def test_a_leading_cluster_answers_with_its_members_that_were_asked() -> None:
    rows = [obs(i, "x", inputs="[2]", observed_at=at(2)) for i in "abc"]
    rows.append(obs("old", "x", inputs="[1]", observed_at=at(1)))
    (row,) = compute(rows).consensus_oracles
    assert (row.cluster_oracle_response, row.n_voters) == ("x", 3)


def test_one_of_equal_codes_votes_on_what_is_asked_now() -> None:
    rows = [
        obs("a", "1", inputs="[1]", observed_at=at(1)),
        obs("b", "2", inputs="[2]", observed_at=at(2)),
    ]
    code = [revision(i, None, content_hash="same") for i in "ab"]
    (row,) = compute(rows, code, voting=Voting(one_vote_per="code")).consensus_oracles
    assert (row.oracle_response, row.n_voters) == ("2", 1)


def test_tie_below_the_first_place_of_three() -> None:
    row = consensus(*(obs(i, r) for i, r in zip("abcde", "11223", strict=True)))
    assert (row.consensus, row.n_votes, row.n_runner_up_votes) == ("tie", 2, 2)
    assert (row.n_distinct_responses, row.vote_share) == (3, 0.4)


def test_no_votes() -> None:
    row = consensus(obs("a", None, "timeout"), obs("b", "$N/A", "not_serializable"))
    assert (row.consensus, row.n_voters, row.n_votes, row.n_runner_up_votes) == (
        "no_votes", 0, 0, 0,
    )  # fmt: skip
    assert (row.oracle_response, row.vote_share, row.entropy) == (None, None, None)
    assert (row.n_distinct_responses, row.cluster_oracle_response) == (0, None)


def test_timeouts_and_the_like_abstain() -> None:
    abstaining = ("timeout", "crash", "not_serializable", "other")
    rows = [obs(k, "same", k) for k in abstaining] + [obs(k, "1", step_id=1) for k in abstaining]
    row = consensus_by_step(*rows, obs("a", "1"))["t1", 0]
    assert (row.consensus, row.oracle_response, row.n_voters) == ("unanimous", "1", 1)
    # the cluster of the four leads, and it has no vote at step 0
    assert row.cluster_oracle_response is None


@pytest.mark.parametrize("kind", ["value", "void", "instance", "exception", "verdict"])
def test_voting_kinds(kind: str) -> None:
    rows = consensus_by_step(obs("a", "x", kind), obs("a", "1", step_id=1))
    assert (rows["t1", 0].n_voters, rows["t1", 0].oracle_response) == (1, "x")


@pytest.mark.parametrize("kind", ["value", "void", "verdict"])
def test_one_cell_of_an_eligible_kind_is_enough(kind: str) -> None:
    rows = consensus_by_step(
        obs("a", "E", "exception"), obs("a", "", kind, test_id="t2", step_id=7)
    )
    assert rows["t1", 0].oracle_response == "E"


@pytest.mark.parametrize("kind", ["instance", "exception", "timeout", "other"])
def test_code_that_fails_to_load_does_not_vote(kind: str) -> None:
    failing = [obs(i, "X", kind, step_id=s) for i in "abc" for s in (0, 1)]
    rows = consensus_by_step(*failing, obs("z", "1"), obs("z", "2", step_id=1))
    assert (rows["t1", 0].oracle_response, rows["t1", 0].n_voters) == ("1", 1)
    # its cluster does not lead, although it is the largest
    assert rows["t1", 1].cluster_oracle_response == "2"
    assert clusters(*failing, obs("z", "1"))[0].n_implementations == 3
    alone = consensus_by_step(*failing)["t1", 0]
    assert (alone.consensus, alone.cluster_oracle_response) == ("no_votes", None)


def test_eligibility_is_per_problem_and_looks_at_the_matrix_only() -> None:
    other_problem = consensus_by_step(obs("a", "E", "exception", problem_id="q"))
    assert other_problem["t1", 0].consensus == "no_votes"
    rows = compute(
        [obs("a", "E", "exception"), obs("a", "1", problem_id="q"), obs("a", "1", data_set_id="x")]
    ).consensus_oracles
    assert [(r.data_set_id, r.problem_id, r.n_voters) for r in rows] == [
        ("d", "p", 0),
        ("d", "q", 1),
        ("x", "p", 1),
    ]
    superseded = consensus(
        obs("a", "1"), obs("a", "E", "exception", run_id="run2", observed_at=at(1))
    )
    assert superseded.n_voters == 0


def test_verdicts_count_by_their_first_word() -> None:
    row = consensus(
        obs("a", "failed@E@z", "verdict"),
        obs("b", "failed@E@b", "verdict"),
        obs("c", "passed", "verdict"),
        obs(ORACLE, "failed", "value"),
    )
    assert (row.consensus, row.n_votes, row.oracle_response) == ("majority", 2, "failed@E@b")
    assert (row.specified_response, row.agrees_with_specified) == ("failed", True)
    assert row.cluster_oracle_response == "failed@E@b"


def test_equal_text_of_different_kinds_is_one_response() -> None:
    row = consensus(obs("a", "{}"), obs("b", None, "void"), obs("c", "{}", "timeout"))
    assert (row.consensus, row.n_voters, row.n_distinct_responses) == ("unanimous", 2, 1)


def test_entropy() -> None:
    rows = [obs(str(i), r) for i, r in enumerate("1112234")]
    # 3/7, 2/7, 1/7, 1/7
    assert consensus(*rows).entropy == 1.842371
    assert consensus(*(obs(i, i) for i in "abcdefgh")).entropy == 3.0


@pytest.mark.parametrize(
    ("output", "kind", "specified", "agrees"),
    [
        ("1", "value", "1", True),
        ("2", "value", "2", False),
        (None, "void", "{}", False),
        ("1", "exception", "1", True),
        (None, "timeout", None, None),
        ("$*", "not_executed", None, None),
        ("1", "other", None, None),
    ],
)
def test_specified_oracle(
    output: str | None, kind: str, specified: str | None, agrees: bool | None
) -> None:
    row = consensus(obs("a", "1"), obs(ORACLE, output, kind))
    assert (row.specified_response, row.agrees_with_specified) == (specified, agrees)
    assert (row.n_voters, row.oracle_response) == (1, "1")  # it does not vote


def right_answers(*alternatives: tuple[str | None, str], **other: Any) -> list[Observation]:
    """Return several specified responses to the standard stimulus, each with its name."""
    return [obs(ORACLE, output, alternative=name, **other) for name, output in alternatives]


def test_each_of_several_specified_responses_is_right() -> None:
    marts = compute(
        [
            *(obs(i, output) for i, output in {"a": "2", "b": "2", "c": "1", "e": "3"}.items()),
            *right_answers(("x", "2"), (None, "1"), ("y", "2")),
        ],
        [revision("a"), revision("e")],
    )
    (row,) = marts.consensus_oracles
    assert (row.specified_response, row.n_specified_responses) == ("1", 2)
    assert (row.n_voters, row.agrees_with_specified) == (4, True)
    assert {r.alternative for r in marts.specified_responses} == {None, "x"}  # equal ones are one
    judged = {r.implementation_id: r.passes_specified for r in marts.implementation_assessments}
    assert judged == {"a": True, "b": True, "c": True, "e": False}
    (problem,) = marts.problem_assessments
    assert (problem.n_specified_stimuli, problem.n_implementations) == (1, 4)
    assert problem.specified_pass_at_k == 0.75
    assert marts.suspect_oracles == []
    (change,) = marts.behavior_changes
    assert (change.change, change.was_right, change.is_right) == ("regressed", True, False)
    assert len(marts.stimulus_response_cube) == 5


def test_a_label_is_suspect_if_the_consensus_equals_no_alternative() -> None:
    votes = [
        obs(i, output) for i, output in {"a": "3", "b": "3", "c": "3", "e": "2", "f": "1"}.items()
    ]
    (suspect,) = compute([*votes, *right_answers((None, "1"), ("x", "2"))]).suspect_oracles
    assert (suspect.specified_response, suspect.n_specified_responses) == ("1", 2)
    assert (suspect.n_specified_votes, suspect.specified_implementation_id) == (2, "e")
    assert compute([*votes, *right_answers((None, "1"), ("x", "3"))]).suspect_oracles == []


@pytest.mark.parametrize(
    ("earlier", "later", "right"),
    [
        ([(None, "1"), ("x", "2")], [(None, "3")], {"3"}),  # the latest run takes others back
        ([(None, "1")], [("x", "2"), ("y", "3")], {"2", "3"}),
        ([(None, "1"), ("x", "2")], [("x", "$*")], {"1", "2"}),  # nothing is specified in it
        ([(None, "1")], [(None, "$*"), ("x", "2")], {"2"}),
        ([(None, "1")], [(None, "2"), ("", "3")], {"3"}),  # an empty name is none
        ([(None, "1")], [("x", "2"), ("x", "3")], {"3"}),  # of one name the greatest text counts
    ],
)
@pytest.mark.parametrize(
    "is_later", [{"run_id": "run2"}, {"environment_id": "env2"}, {"attempt": 1}], ids=str
)
def test_the_latest_attempt_of_the_oracle_decides_what_is_right(
    earlier: list[tuple[str | None, str]],
    later: list[tuple[str | None, str]],
    right: set[str],
    is_later: dict[str, Any],
) -> None:
    rows = right_answers(*earlier)
    for row in right_answers(*later, observed_at=at(1), **is_later):
        rows.append(replace(row, response_kind="not_executed") if row.output == "$*" else row)
    marts = compute(rows)
    assert {r.response for r in marts.specified_responses} == right
    (cell,) = marts.stimulus_response_matrix
    assert [r.response for r in marts.specified_responses if r.is_first] == [cell.response]


def test_only_the_oracle_has_alternatives() -> None:
    rows = [obs("a", "1", alternative="x"), obs("a", "2", observed_at=at(1))]
    assert cell(*rows).response == "2"
    assert len(compute(rows).stimulus_response_cube) == 1


def test_stimulus_that_only_the_oracle_has() -> None:
    row = consensus_by_step(obs("a", "1"), obs(ORACLE, "2", step_id=1))["t1", 1]
    assert (row.consensus, row.specified_response, row.agrees_with_specified) == (
        "no_votes", "2", None,
    )  # fmt: skip
    assert row.cluster_oracle_response is None


def test_test_based_and_cluster_based_disagree() -> None:
    def column(i: str, responses: str) -> list[Observation]:
        return [obs(i, r, step_id=s) for s, r in enumerate(responses)]

    rows = consensus_by_step(
        *column("a", "11"), *column("b", "11"), *column("c", "20"), *column("d", "23"),
        *column("e", "24"),
    )  # fmt: skip
    first, second = rows["t1", 0], rows["t1", 1]
    assert (first.oracle_response, first.cluster_oracle_response) == ("2", "1")
    assert (second.consensus, second.cluster_oracle_response) == ("plurality", "1")


def test_leading_clusters_that_tie() -> None:
    def column(i: str, *responses: str | None) -> list[Observation]:
        return [
            obs(i, r, "verdict" if r == "passed@" + i else "value", step_id=s)
            for s, r in enumerate(responses)
            if r is not None
        ]

    rows = consensus_by_step(
        *column("a", "1", "5", "passed@a", None, None),
        *column("b", "1", "5", "passed@b", None, None),
        *column("c", "1", "6", "passed@c", "7", None),
        *column("d", "1", "6", "passed@d", "7", None),
        *column("e", "2", "6", "passed", "7", "8"),
    )
    assert rows["t1", 0].cluster_oracle_response == "1"  # all leading clusters agree
    assert rows["t1", 1].cluster_oracle_response is None  # they do not
    assert rows["t1", 1].oracle_response == "6"
    assert rows["t1", 2].cluster_oracle_response == "passed@a"  # e does not lead
    assert rows["t1", 3].cluster_oracle_response is None  # a leading cluster has no cell
    assert rows["t1", 4].cluster_oracle_response is None  # no leading cluster has one
    assert rows["t1", 4].oracle_response == "8"


def test_leading_cluster_that_abstains() -> None:
    rows = consensus_by_step(
        obs("a", "1"), obs("a", None, "timeout", step_id=1),
        obs("b", "1"), obs("b", None, "timeout", step_id=1),
        obs("c", "1"), obs("c", "2", step_id=1),
    )  # fmt: skip
    assert rows["t1", 0].cluster_oracle_response == "1"
    assert (rows["t1", 1].cluster_oracle_response, rows["t1", 1].oracle_response) == (None, "2")


def test_leading_cluster_in_which_one_eligible_member_abstains() -> None:
    # equal text, so one cluster, but of different kinds
    rows = consensus_by_step(
        obs("a", "X"), obs("a", "1", step_id=1),
        obs("b", "X", "timeout"), obs("b", "1", step_id=1),
    )  # fmt: skip
    assert rows["t1", 0].cluster_oracle_response is None
    assert rows["t1", 0].oracle_response == "X"
    assert rows["t1", 1].cluster_oracle_response == "1"


def test_leading_cluster_counts_and_asks_eligible_members_only() -> None:
    # one cluster by hash: a and b are not eligible (instances), v is; w and x lead with two
    rows = consensus_by_step(
        obs("a", "X", "instance"), obs("b", "X", "instance"), obs("v", "X"),
        obs("w", "1"), obs("x", "1"),
    )  # fmt: skip
    assert rows["t1", 0].cluster_oracle_response == "1"
    # t is in the cluster of v and w, but its cells are timeouts: it is not asked
    asked = consensus(obs("t", "X", "timeout"), obs("v", "X"), obs("w", "X"), obs("x", "1"))
    assert asked.cluster_oracle_response == "X"


# --- lineages ------------------------------------------------------------------------------------


def lineage(
    observations: Iterable[Observation], *descriptions: Description
) -> dict[tuple[str, str], LineageRow]:
    """Return the lineage of one stimulus by environment and implementation."""
    rows = compute(observations, descriptions).lineage
    return {(r.environment_id, r.implementation_id): r for r in rows}


def order(observations: Iterable[Observation], *descriptions: Description) -> list[str]:
    """Return the revisions of the only lineage in the only environment, the oldest first."""
    rows = lineage(observations, *descriptions).values()
    in_order = sorted(rows, key=lambda r: r.revision_rank)
    assert [r.revision_rank for r in in_order] == list(range(1, len(in_order) + 1))
    return [r.implementation_id for r in in_order]


def changes(observations: Iterable[Observation], *descriptions: Description) -> list[ChangeRow]:
    """Return the changes of behaviour."""
    return compute(observations, descriptions).behavior_changes


def test_lineage_keeps_everything_of_the_response_and_the_revision() -> None:
    row = lineage(
        [obs("a", "1", observed_at=at(5)), obs(ORACLE, "1")],
        revision("a", revision="1.0", revised_at=at(2)),
    )["env", "a"]
    assert row == LineageRow(
        "d", "p", "main", "env", "t1", 0, "a", 1, "1.0", at(2), "f(int)", "[1]",
        "b64230a83421f893cb6d4a38ee7e6aac", "1", "value", "c4ca4238a0b923820dcc509a6f75849b",
        True, "run", at(5),
    )  # fmt: skip


def test_revisions_are_ordered_by_when_they_were_made() -> None:
    observations = [obs(i, "1", observed_at=at(n)) for n, i in enumerate("abc")]
    assert order(
        observations,
        revision("a", revised_at=at(3), revision="1"),
        revision("b", revised_at=at(1), revision="2"),
        revision("c", revised_at=at(2), revision="3"),
    ) == ["b", "c", "a"]


def test_revisions_of_unknown_age_are_as_old_as_their_first_observation() -> None:
    observations = [obs("a", "1", observed_at=at(3)), obs("b", "1", observed_at=at(1))]
    assert order(observations, revision("a"), revision("b")) == ["b", "a"]
    assert lineage(observations, revision("a"), revision("b"))["env", "a"].revised_at == at(3)
    assert order(observations, revision("a", revised_at=at(0)), revision("b")) == ["a", "b"]
    assert order(observations, revision("a"), revision("b", revised_at=at(4))) == ["a", "b"]


def test_running_an_old_revision_again_does_not_make_it_younger() -> None:
    observations = [
        obs("old", "1", observed_at=at(1)),
        obs("new", "2", observed_at=at(2), run_id="run2"),
        obs("old", "1", observed_at=at(3), run_id="run3"),
    ]
    assert order(observations, revision("old"), revision("new")) == ["old", "new"]
    rows = lineage(observations, revision("old"), revision("new"))
    assert (rows["env", "old"].revised_at, rows["env", "old"].observed_at) == (at(1), at(3))


def test_first_observation_is_that_of_any_attempt_that_was_executed() -> None:
    observations = [
        obs("a", "1", observed_at=at(1)),
        obs("a", "1", observed_at=at(9), attempt=1),
        obs("b", None, "skipped", observed_at=at(0)),
        obs("b", "1", observed_at=at(2), attempt=1),
    ]
    assert order(observations, revision("a"), revision("b")) == ["a", "b"]


def test_revisions_of_equal_age_are_ordered_by_implementation() -> None:
    observations = [obs(i, "1") for i in ("v9", "v10", "V9")]
    described = [revision(o.implementation_id, revised_at=at(7)) for o in observations]
    assert order(observations, *described) == ["V9", "v10", "v9"]
    undated = [revision(o.implementation_id) for o in observations]
    assert order(observations, *undated) == ["V9", "v10", "v9"]


def test_a_lineage_has_one_order_in_all_environments_and_problems() -> None:
    observations = [
        obs("a", "1", observed_at=at(1)),
        obs("b", "1", observed_at=at(2)),
        obs("a", "1", observed_at=at(2), environment_id="env2"),
        obs("b", "1", observed_at=at(1), environment_id="env2"),
        obs("b", "1", observed_at=at(0), problem_id="q"),
    ]
    described = [revision("a"), revision("b"), revision("b", problem_id="q")]
    rows = compute(observations, described).lineage
    assert [
        (r.problem_id, r.environment_id, r.implementation_id, r.revision_rank) for r in rows
    ] == [
        ("p", "env", "a", 2),
        ("p", "env", "b", 1),
        ("p", "env2", "a", 2),
        ("p", "env2", "b", 1),
        ("q", "env", "b", 1),
    ]


def test_a_date_counts_in_all_problems_of_the_data_set() -> None:
    observations = [obs("a", "1", observed_at=at(1)), obs("b", "1", observed_at=at(2))]
    described = [revision("a", revision="1"), revision("b", revision="2")]
    for other in (
        revision("a", revised_at=at(9), problem_id="never run"),
        revision("a", None, revised_at=at(9), problem_id=None),
        replace(revision("a", revision="1", revised_at=at(9)), implementation_id=None),
    ):
        assert order(observations, *described, other) == ["b", "a"]
    for other in (
        revision("a", revised_at=at(9), data_set_id="e"),
        replace(revision("a", "x", revision="1", revised_at=at(9)), implementation_id=None),
    ):
        assert order(observations, *described, other) == ["a", "b"]


def test_implementations_of_the_same_revision_are_one() -> None:
    observations = [
        obs("a", "1", observed_at=at(1)),
        obs("b", "2", observed_at=at(2)),
        obs("c", "3", observed_at=at(3)),
        obs("a", "1", observed_at=at(1), environment_id="env2"),
    ]
    described = [revision(i, revision=r) for i, r in {"a": "1", "b": "2", "c": "1"}.items()]
    rows = lineage(observations, *described)
    assert {key: (r.revision_rank, r.revised_at) for key, r in rows.items()} == {
        ("env", "c"): (1, at(1)),
        ("env", "b"): (2, at(2)),
        ("env2", "a"): (1, at(1)),
    }


def test_latest_run_in_each_environment_counts() -> None:
    rows = lineage(
        [
            obs("a", "1", observed_at=at(1), run_id="z"),
            obs("a", "2", observed_at=at(2), run_id="b"),
            obs("a", "3", observed_at=at(2), run_id="c", attempt=1),
            obs("a", "4", observed_at=at(3), run_id="c", attempt=0),
            obs("a", None, "skipped", observed_at=at(9), run_id="d"),
            obs("a", "5", observed_at=at(0), environment_id="env2"),
        ],
        revision("a"),
    )
    assert {key: (row.response, row.run_id) for key, row in rows.items()} == {
        ("env", "a"): ("3", "c"),
        ("env2", "a"): ("5", "run"),
    }


def test_only_implementations_of_a_lineage_are_revisions() -> None:
    rows = lineage(
        [obs(i, "1") for i in ("a", "undescribed", "without", ORACLE)],
        revision("a"),
        revision("without", None, revision="1.0"),
        revision(ORACLE),
        revision("never run"),
        revision("undescribed", problem_id="q"),
        revision("undescribed", data_set_id="e"),
    )
    assert set(rows) == {("env", "a")}


def test_the_latest_load_of_each_attribute_counts() -> None:
    row = lineage(
        [obs("a", "1")],
        revision("a", "old", revision="1", revised_at=at(9), load_id="l1"),
        revision("a", "new", revision="2", load_id="l2"),
        revision("a", None, revision="0", load_id="l3"),
    )["env", "a"]
    assert (row.lineage, row.revision, row.revised_at) == ("new", "0", at(9))


def test_the_greatest_of_several_values_of_one_load_counts() -> None:
    row = lineage(
        [obs("a", "1")],
        revision("a", "b", revision="9", revised_at=at(1)),
        revision("a", "B", revision="10", revised_at=at(2)),
    )["env", "a"]
    assert (row.lineage, row.revision, row.revised_at) == ("b", "9", at(2))


@pytest.mark.parametrize(
    ("output", "kind", "specified", "specified_kind", "right"),
    [
        ("passed", "verdict", None, None, True),
        ("passed@x", "verdict", "failed", "verdict", True),  # a verdict states it
        ("failed@E@m", "verdict", "failed@E@m", "verdict", False),
        ("error@E", "verdict", None, None, False),
        ("passedx", "verdict", None, None, False),
        (None, "verdict", None, None, False),
        ("passed", "value", None, None, None),
        ("passed", "value", "passed@x", "verdict", True),
        ("1", "value", "1", "value", True),
        ("1", "value", "1.0", "value", False),
        ("{}", "value", None, "void", True),
        (None, "timeout", "1", "value", False),
        ("1", "value", None, "timeout", None),
        (None, "timeout", None, "timeout", False),  # a timeout specifies nothing
        (None, "timeout", None, None, False),
        (None, "crash", None, None, False),
        (None, "crash", "1", "value", False),
        ("1", "value", "$*", "not_executed", None),
        ("1", "value", "1", "other", None),
    ],
)
def test_what_is_right(
    output: str | None,
    kind: str,
    specified: str | None,
    specified_kind: str | None,
    right: bool | None,
) -> None:
    observations = [obs("a", output, kind), obs("b", "0", step_id=1), obs(ORACLE, "9", step_id=2)]
    if specified_kind is not None:
        observations.append(obs(ORACLE, specified, specified_kind, environment_id="env2"))
    assert lineage(observations, revision("a"))["env", "a"].is_right is right


@pytest.mark.parametrize(
    ("before", "after", "specified", "change"),
    [
        ("1", "1", None, None),
        ("1", "2", None, "changed"),
        ("1", "2", "2", "fixed"),
        ("1", "2", "1", "regressed"),
        ("1", "2", "3", "changed, both wrong"),
        ("passed@x", "1", "1", "changed"),  # both right
        ("passed@x", "1", None, "changed"),  # right, then unknown
        ("failed@x", "1", None, "changed"),
        ("1", "failed@x", None, "changed"),
        ("failed@x", "passed@y", None, "fixed"),
        ("passed@x", "failed@y", None, "regressed"),
        ("failed@x", "error@y", None, "changed, both wrong"),
        ("failed@x", "failed@y", None, None),  # the first word counts
        (None, "1", "2", "new and failing"),
        (None, "1", None, "new"),
        ("1", None, "1", "gone"),
    ],
)
def test_classes_of_change(
    before: str | None, after: str | None, specified: str | None, change: str | None
) -> None:
    observations = [
        obs(i, output, "verdict" if "@" in output else "value")
        for i, output in {"a": before, "b": after, ORACLE: specified}.items()
        if output is not None
    ]
    observations += [obs(i, "same", step_id=1, inputs="[2]") for i in "ab"]
    rows = changes(observations, revision("a"), revision("b"))
    assert [r.change for r in rows] == ([change] if change else [])


def test_change_has_both_responses() -> None:
    observations = [
        obs("a", "1", run_id="r1", inputs="[1]"),
        obs("b", "2", run_id="r2", step_id=3, inputs="[1]", observed_at=at(2)),
        obs("a", "3", run_id="r1", step_id=1, inputs="[2]"),
        obs("b", "4", run_id="r2", step_id=2, inputs=None, observed_at=at(3), operation=None),
    ]
    gone, new, changed = changes(observations, revision("a"), revision("b"))
    assert gone == ChangeRow(
        "d", "p", "main", "env", "t1", 1, "b", 1, "a", 2, "gone", None, None, None, "f(int)", "[2]", "[2]",
        "3", None, "r1", "r2", T0, at(2),
    )  # fmt: skip
    assert new == ChangeRow(
        "d", "p", "main", "env", "t1", 2, "b", None, "a", 2, "new", None, None, None, None, None, None,
        None, "4", None, "r2", None, at(3),
    )  # fmt: skip
    assert changed == ChangeRow(
        "d", "p", "main", "env", "t1", 3, "b", 0, "a", 2, "changed", None, None, None, "f(int)", "[1]",
        "[1]", "1", "2", "r1", "r2", T0, at(2),
    )  # fmt: skip


def verdicts(*words: str | None, **other: Any) -> list[Observation]:
    """Return a verdict of each revision a, b, …, about one test; None: the test is not there."""
    observations = [
        obs(i, "same", test_id="always", observed_at=at(n), run_id=f"run {n}")
        for n, i in enumerate("abcdef"[: len(words)])
    ]
    kinds = {"skipped": "skipped", "passed": "verdict", "failed": "verdict"}
    observations += [
        obs(i, word, kinds[word], inputs=None, observed_at=at(n), run_id=f"run {n}", **other)
        for n, (i, word) in enumerate(zip("abcdef", words, strict=False))
        if word is not None
    ]
    return observations


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("passed", "skipped", "failed"), ["skipped", "regressed"]),
        (("passed", "skipped", "passed"), ["skipped", "unskipped"]),
        (("failed", "skipped", "passed"), ["skipped", "fixed"]),
        (("passed", None, "failed"), ["gone", "regressed"]),
        (("passed", None, "passed"), ["gone", "unskipped"]),
        (("passed", None, "skipped", "passed"), ["gone", "skipped", "unskipped"]),
        (("passed", "skipped", None, "failed"), ["skipped", "gone", "regressed"]),
        (("passed", "skipped", "skipped", "failed"), ["skipped", "regressed"]),
        (("skipped", "passed"), ["unskipped"]),
        (("skipped", "failed"), ["new and failing"]),
        (("skipped", None, "passed"), ["unskipped"]),
        (("skipped", "skipped", None), []),
        ((None, "passed"), ["new"]),
        ((None, "failed"), ["new and failing"]),
        ((None, "skipped", None, "failed"), ["new and failing"]),
    ],
)
def test_skipped_and_absent_tests(words: tuple[str | None, ...], expected: list[str]) -> None:
    described = [revision(i) for i in "abcdef"]
    rows = changes(verdicts(*words), *described)
    assert [r.change for r in sorted(rows, key=lambda r: r.revision_rank)] == expected


def calls(
    implementation_id: str, *answers: tuple[str | None, str], **other: Any
) -> list[Observation]:
    """Return one step per pair of inputs and response."""
    return [
        obs(implementation_id, output, step_id=number, inputs=inputs, **other)
        for number, (inputs, output) in enumerate(answers)
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # A call was inserted, removed, moved: the others answered alike.
        ([("[1]", "12")], [("[2]", "2"), ("[1]", "12")], [("new", None, 0)]),
        ([("[2]", "2"), ("[1]", "12")], [("[1]", "12")], [("gone", 0, 0)]),
        ([("[1]", "1"), ("[2]", "2")], [("[2]", "2"), ("[1]", "1")], []),
        # An edited call, with another response and with the same one.
        ([("[1]", "12")], [("[2]", "2")], [("stimulus changed", 0, 0)]),
        ([("[1]", "12")], [("[2]", "12")], []),
        # An equal call after another one.
        (
            [("[1]", "1"), ("[2]", "2")],
            [("[3]", "1"), ("[2]", "9")],
            [("stimulus changed", 1, 1)],
        ),
        # Inputs that were not recorded before.
        ([(None, "1")], [("[1]", "2")], [("changed", 0, 0)]),
        # The same call twice, then once.
        ([("[1]", "1"), ("[1]", "2")], [("[1]", "1")], [("gone", 1, 1)]),
        ([("[1]", "1"), ("[2]", "2")], [("[1]", "1"), ("[2]", "3")], [("changed", 1, 1)]),
    ],
)
def test_edited_tests_are_compared_by_what_was_put_in(
    before: list[tuple[str | None, str]],
    after: list[tuple[str | None, str]],
    expected: list[tuple[str, int | None, int]],
) -> None:
    observations = calls("a", *before) + calls("b", *after, observed_at=at(2))
    rows = changes(observations, revision("a"), revision("b"))
    assert [(r.change, r.previous_step_id, r.step_id) for r in rows] == expected


def test_a_renamed_test_is_recognised_by_its_content() -> None:
    observations = [
        *calls("a", ("[1]", "1"), ("[2]", "2"), test_id="old"),
        *calls("b", ("[1]", "1"), ("[2]", "2"), test_id="new", observed_at=at(2)),
        *calls("b", ("[2]", "2"), test_id="other", observed_at=at(2)),
    ]
    rows = changes(observations, revision("a"), revision("b"))
    assert [(r.test_id, r.step_id, r.change, r.same_content_test_id) for r in rows] == [
        ("new", 0, "new", "old"),
        ("new", 1, "new", "old"),
        ("old", 0, "gone", "new"),
        ("old", 1, "gone", "new"),
        ("other", 0, "new", None),
    ]


def test_a_test_that_is_skipped_as_a_whole_has_no_inputs() -> None:
    observations = [
        *calls("a", ("[1]", "1"), ("[2]", "2")),
        obs("b", None, "skipped", inputs=None, observed_at=at(2)),
        *calls("c", ("[1]", "1"), ("[2]", "2"), observed_at=at(3)),
        obs("b", "1", test_id="other", observed_at=at(2)),
    ]
    rows = changes(observations, revision("a"), revision("b"), revision("c"))
    assert [(r.implementation_id, r.test_id, r.step_id, r.change) for r in rows] == [
        ("b", "other", 0, "new"),
        ("b", "t1", 0, "skipped"),
        ("b", "t1", 1, "gone"),
        ("c", "other", 0, "gone"),
        ("c", "t1", 0, "unskipped"),
        ("c", "t1", 1, "unskipped"),
    ]


def test_consecutive_revisions_are_those_that_ran_in_the_environment() -> None:
    observations = [obs(i, i, observed_at=at(n)) for n, i in enumerate("abc")]
    observations += [
        obs("a", "a", environment_id="env2"),
        obs("b", None, "skipped", environment_id="env2"),
        obs("c", "c", environment_id="env2", observed_at=at(9)),
    ]
    rows = changes(observations, revision("a"), revision("b"), revision("c"))
    assert [
        (r.environment_id, r.previous_implementation_id, r.implementation_id, r.revision_rank)
        for r in rows
    ] == [("env", "a", "b", 2), ("env", "b", "c", 3), ("env2", "a", "c", 2)]


def test_lineages_problems_and_data_sets_do_not_mix() -> None:
    observations = [
        obs("a", "1"),
        obs("b", "2"),
        obs("a", "3", problem_id="q"),
        obs("b", "4", data_set_id="e"),
    ]
    described = [
        revision("a", "one"),
        revision("b", "two"),
        revision("a", "one", problem_id="q"),
        revision("b", "one", data_set_id="e"),
    ]
    marts = compute(observations, described)
    assert {r.revision_rank for r in marts.lineage} == {1}
    assert marts.behavior_changes == []


# --- flaky responses -----------------------------------------------------------------------------


def flaky(*observations: Observation) -> list[FlakyRow]:
    """Return the flaky responses."""
    return compute(observations).flaky_responses


def test_runs_and_attempts_that_disagree_are_flaky() -> None:
    rows = flaky(
        obs("a", "1", observed_at=at(3), inputs=None),
        obs("a", "2", observed_at=at(1), attempt=1, inputs=None),
        obs("a", "2", observed_at=at(2), run_id="run2", inputs=None),
    )
    assert rows == [
        FlakyRow("d", "p", "t1", 0, "a", "env", None, 3, 2, 2, "2", 2, "1", at(1), at(3)),
    ]


def test_an_edited_test_is_not_flaky() -> None:
    first = calls("a", ("[1]", "1"), ("[2]", "1"))
    edited = calls("a", ("[3]", "2"), ("[2]", "2"), run_id="run2")
    again = calls("a", ("[3]", "2"), ("[2]", "3"), run_id="run3")
    assert flaky(*first, *edited) == []
    rows = flaky(*first, *edited, *again)
    assert [(r.step_id, r.n_executions, r.n_distinct_responses) for r in rows] == [(1, 2, 2)]


@pytest.mark.parametrize(
    ("words", "n_flips"),
    [
        (("passed", "failed", "passed"), 1),
        (("passed", "failed", "skipped", "passed"), 1),
        (("passed", "failed", None, "passed"), 1),
        (("passed", "failed", "passed", "failed"), 2),
        (("passed", "failed", "failed", "passed"), 0),
        (("passed", "failed", "failed"), 0),
        (("passed", "skipped", "passed"), 0),
    ],
)
def test_a_response_that_went_back_is_a_flip(words: tuple[str | None, ...], n_flips: int) -> None:
    described = [revision(i) for i in "abcdef"]
    rows = compute(verdicts(*words), described).lineage_flips
    assert sum(r.n_flips for r in rows) == n_flips


def test_a_response_to_something_else_is_no_flip() -> None:
    observations = [
        *calls("a", ("[1]", "1"), ("[2]", "1")),
        *calls("b", ("[3]", "1"), ("[2]", "2"), observed_at=at(2)),
        *calls("c", ("[1]", "1"), ("[2]", "1"), observed_at=at(3)),
    ]
    assert compute(observations, [revision(i) for i in "abc"]).lineage_flips == []


def test_what_is_not_flaky() -> None:
    assert flaky(obs("a", "1"), obs("a", "1", attempt=1), obs("a", "1", run_id="run2")) == []
    assert flaky(obs("a", "1"), obs("a", "2", environment_id="env2")) == []
    assert flaky(obs("a", "1"), obs("b", "2")) == []
    assert flaky(obs("a", "1"), obs("a", "2", step_id=1)) == []
    assert flaky(obs("a", "1"), obs("a", "2", problem_id="q")) == []
    assert flaky(obs("a", "1"), obs("a", None, "skipped", run_id="run2")) == []
    assert flaky(obs(ORACLE, "1"), obs(ORACLE, "2", run_id="run2")) == []
    assert flaky(obs("a", "1"), obs("a", "2")) == []  # one actuation that was loaded twice
    verdicts = (obs("a", f"failed@E@{n}", "verdict", run_id=f"run{n}") for n in range(3))
    assert flaky(*verdicts) == []


def test_flaky_responses_by_frequency() -> None:
    def runs(*outputs: str) -> list[Observation]:
        return [
            obs("a", output, "verdict" if "@" in output else "value", run_id=f"run{number}")
            for number, output in enumerate(outputs)
        ]

    (row,) = flaky(*runs("1", "2", "3", "2", "3", "3"))
    assert (row.n_executions, row.n_runs, row.n_distinct_responses) == (6, 6, 3)
    assert (row.most_frequent_response, row.n_most_frequent, row.other_response) == ("3", 3, "2")
    # equally frequent: md5 of 1 is c4…, of 2 c8…, of 3 ec…, of 42 a1…
    (row,) = flaky(*runs("3", "2", "42", "1"))
    assert (row.most_frequent_response, row.n_most_frequent, row.other_response) == ("42", 1, "1")
    # the least text of equal verdicts
    (row,) = flaky(*runs("failed@b", "passed@x", "failed@a", "passed@y", "failed@c"))
    assert (row.most_frequent_response, row.n_most_frequent) == ("failed@a", 3)
    assert (row.other_response, row.n_distinct_responses) == ("passed@x", 2)


def test_abstaining_kinds_are_flaky_as_well() -> None:
    (row,) = flaky(obs("a", "1"), obs("a", None, "timeout", run_id="run2"))
    assert {row.most_frequent_response, row.other_response} == {"1", "$TIMEOUT"}


# --- several data sets ---------------------------------------------------------------------------


def test_two_data_sets_with_the_same_problem_do_not_mix() -> None:
    marts = compute(
        [
            obs("a", "1"),
            obs("b", "1"),
            obs("a", "2", data_set_id="e"),
            obs("c", "3", data_set_id="e"),
            obs(ORACLE, "2", data_set_id="e"),
        ]
    )
    one, other = marts.consensus_oracles
    assert (one.data_set_id, one.consensus, one.specified_response) == ("d", "unanimous", None)
    assert (other.data_set_id, other.consensus, other.specified_response) == ("e", "tie", "2")
    assert [(c.data_set_id, c.cluster_rank) for c in marts.behavior_clusters].count(("d", 1)) == 1
    assert sorted((c.data_set_id, c.cluster_rank) for c in marts.behavior_clusters) == [
        ("d", 1),
        ("e", 1),
        ("e", 2),
    ]


# --- properties ----------------------------------------------------------------------------------

relaxed = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def check_invariants(marts: Marts) -> None:
    """Check invariants of all marts for any observations."""
    for mart, key in KEYS.items():
        keys = [tuple(row[k] for k in key) for row in marts.dicts(mart)]
        # Without the id of the stimulus, their rows have no key.
        if mart not in ("lineage_states", "latest_state"):
            assert keys == sorted(set(keys)), mart
        assert set(key) <= set(COLUMNS[mart])
    executed = [
        r
        for r in marts.stimulus_response_cube
        if r.response_kind not in NOT_EXECUTED_KINDS and not r.is_set_aside
    ]
    cells = {
        (r.data_set_id, r.problem_id, r.test_id, r.step_id, r.implementation_id) for r in executed
    }
    assert len(marts.stimulus_response_matrix) == len(cells)
    stimuli = {key[:4] for key in cells}
    assert len(marts.consensus_oracles) == len(stimuli)
    columns = {(key[0], key[1], key[4]) for key in cells if key[4] != ORACLE}
    assert len(marts.behavior_cluster_members) == len(columns)
    assert sum(c.n_implementations for c in marts.behavior_clusters) == len(columns)
    # a cluster's signature is that of a context with the complete column
    contexts = Counter(
        (r.data_set_id, r.problem_id, r.implementation_id)
        for r in marts.response_signatures
        if not r.is_set_aside
    )
    signatures = {
        (r.data_set_id, r.problem_id, r.implementation_id): r.signature
        for r in marts.response_signatures
        if not r.is_set_aside
    }
    for m in marts.behavior_cluster_members:
        column = (m.data_set_id, m.problem_id, m.implementation_id)
        if contexts[column] == 1:
            assert signatures[column] == m.cluster_id
    for cluster in marts.behavior_clusters:
        assert (cluster.cluster_rank == 1) == (cluster.first_differing_test_id is None)
        assert 0 <= cluster.n_exceptions <= cluster.n_stimuli
    for row in marts.consensus_oracles:
        assert 0 <= row.n_runner_up_votes <= row.n_votes <= row.n_voters
        assert row.n_votes + row.n_runner_up_votes <= row.n_voters
        assert (row.oracle_response is None) == (row.consensus in ("tie", "no_votes"))
        assert (row.entropy == 0) == (row.consensus == "unanimous")
        assert (row.consensus == "tie") == (0 < row.n_votes == row.n_runner_up_votes)
        assert (row.agrees_with_specified is None) == (
            row.oracle_response is None or row.specified_response is None
        )
    check_invariants_of_lineages(marts)
    for row in marts.flaky_responses:
        assert row.implementation_id != ORACLE
        assert 2 <= row.n_distinct_responses <= row.n_executions
        assert row.n_runs <= row.n_executions
        assert row.n_executions <= row.n_distinct_responses * row.n_most_frequent
        assert row.n_most_frequent + row.n_distinct_responses - 1 <= row.n_executions
        assert row.first_observed_at <= row.last_observed_at


def check_invariants_of_lineages(marts: Marts) -> None:
    """Check invariants of lineages and changes for any observations and descriptions."""
    revisions: dict[tuple[str, ...], dict[int, tuple[datetime, str]]] = {}
    cells: dict[tuple[Any, ...], LineageRow] = {}
    for row in marts.lineage:
        in_environment = (row.data_set_id, row.problem_id, row.lineage, row.environment_id)
        revision_ = (row.revised_at, row.implementation_id)
        of_lineage = revisions.setdefault(in_environment, {})
        assert of_lineage.setdefault(row.revision_rank, revision_) == revision_
        cells[*in_environment, row.implementation_id, row.test_id, row.step_id] = row
        assert row.implementation_id != ORACLE
    for of_lineage in revisions.values():
        dates = [of_lineage[rank][0] for rank in sorted(of_lineage)]
        assert dates == sorted(dates)
    for change in marts.behavior_changes:
        check_invariants_of_change(change, revisions, cells)


def check_invariants_of_change(
    change: ChangeRow,
    revisions: dict[tuple[str, ...], dict[int, tuple[datetime, str]]],
    cells: dict[tuple[Any, ...], LineageRow],
) -> None:
    """Check that a change compares two cells of the lineage."""
    lineage_ = (change.data_set_id, change.problem_id, change.lineage, change.environment_id)
    ranks = {implementation: rank for rank, (_, implementation) in revisions[lineage_].items()}
    assert ranks.get(change.previous_implementation_id, 1) < change.revision_rank
    before = cells.get(
        (*lineage_, change.previous_implementation_id, change.test_id, change.previous_step_id)
    )
    after = cells.get((*lineage_, change.implementation_id, change.test_id, change.step_id))
    assert (before.response if before else None) == change.previous_response
    assert (before.is_right if before else None) == change.was_right
    if change.change in ("gone", "skipped"):
        assert before is not None
        assert (change.response, change.is_right) == (None, None)
        return
    assert after is not None
    assert (after.response, after.is_right) == (change.response, change.is_right)
    if before is None:
        assert change.change in ("new", "new and failing", "unskipped")
        assert (change.change == "new and failing") == (change.is_right is False)
        return
    assert (before.response_hash == after.response_hash) == (change.change == "unskipped")
    judged = {
        "fixed": {(False, True)},
        "regressed": {(True, False)},
        "changed, both wrong": {(False, False)},
        "changed": {(a, b) for a in (True, None) for b in (True, None)}
        | {(False, None), (None, False)},
    }.get(change.change)
    assert judged is None or (change.was_right, change.is_right) in judged
    if change.change == "stimulus changed":
        assert None not in (before.content_hash, after.content_hash)
        assert before.content_hash != after.content_hash


Rows = tuple[list[Observation], list[Description]]


@relaxed
@given(described_sets(), st.randoms(use_true_random=False))
def test_order_and_repetition_of_rows_do_not_matter(rows: Rows, rng: random.Random) -> None:
    marts = compute(*rows)
    check_invariants(marts)
    repeated = [table + rng.sample(table, len(table) // 2) for table in rows]
    for table in repeated:
        rng.shuffle(table)
    assert compute(*repeated) == marts


@relaxed
@given(described_sets())
def test_every_problem_is_computed_alone(rows: Rows) -> None:
    """Apart from the order of lineages and from runs, which all problems of a data set share."""
    observations, descriptions = rows
    for columns in (("data_set_id",), ("data_set_id", "problem_id")):

        def key(
            row: Observation | Description, columns: tuple[str, ...] = columns
        ) -> tuple[str, ...]:
            return tuple(getattr(row, c) for c in columns)

        given = [
            (
                [o for o in observations if key(o) == part],
                [d for d in descriptions if key(d) == part],
            )
            for part in sorted({key(o) for o in observations})
        ]
        if len(columns) == 2:
            for of in (rows, *given):
                set_aside = {place[0] for place in runs_set_aside(*of)}
                observations = [o for o in observations if o.data_set_id not in set_aside]
            given = [of for of in given if set(of[0]) <= set(observations)]
        whole = compute(observations, descriptions)
        parts = [compute(*of) for of in given]
        for mart in KEYS:
            if len(columns) == 2 and mart in (
                "lineage",
                "behavior_changes",
                "lineage_flips",
                "lineage_revisions",
                "lineage_states",
                "latest_state",
                "runs",
            ):
                continue
            assert sorted(whole.tuples(mart), key=repr) == sorted(
                (row for part in parts for row in part.tuples(mart)), key=repr
            )


@relaxed
@given(observation_sets(max_problems=1))
def test_renaming_an_implementation_does_not_change_the_votes(
    observations: list[Observation],
) -> None:
    def renamed(o: Observation) -> Observation:
        if o.implementation_id == ORACLE:
            return o
        return replace(o, implementation_id=o.implementation_id[::-1] + "'")

    assert compute(map(renamed, observations)).consensus_oracles == (
        compute(observations).consensus_oracles
    )


def nights(*kinds: str) -> list[Observation]:
    """Return nights of twelve tests; in a night with a kind of response, ten of them have it."""
    return [
        obs("a", None if kind and n < 10 else "1", kind if kind and n < 10 else "value",
            test_id=f"t{n}", run_id=f"r{night}", observed_at=at(night))
        for night, kind in enumerate(kinds)
        for n in range(12)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("", "crash", ""), {"r1"}),
        (("", "crash"), {"r1"}),
        (("crash", ""), set()),
        (("", "crash", "crash", ""), set()),
        (("", "crash", "timeout", ""), {"r1", "r2"}),
        (("crash", "crash", "crash"), set()),
        (("", "crash", "", "crash", ""), {"r1", "r3"}),
    ],
)
def test_broken_nights(kinds: tuple[str, ...], expected: set[str]) -> None:
    observations = nights(*kinds)
    assert {place[1] for place in runs_set_aside(observations)} == expected
    rows = compute(observations).stimulus_response_matrix
    assert not expected & {row.run_id for row in rows}


def test_decisions_on_runs() -> None:
    observations = nights("", "crash", "")
    taken_back = Decision("d", "r1", "env", "false")
    by_hand = Decision(None, "r1", None, "true", "why")
    assert runs_set_aside(observations, (), [by_hand]) == {("d", "r1", "env"): "why"}
    assert runs_set_aside(observations, (), [by_hand, taken_back]) == {}


def test_no_observations() -> None:
    assert compute([]) == compute([], [revision("a")]) == Marts(*([] for _ in KEYS))


def test_random_observations_are_repeatable_and_varied() -> None:
    observations = random_observations(7, 300)
    assert observations == random_observations(7, 300)
    assert observations != random_observations(8, 300)
    descriptions = random_descriptions(7, observations)
    assert descriptions == random_descriptions(7, observations[::-1])
    assert descriptions != random_descriptions(8, observations)
    marts = compute(observations, descriptions)
    check_invariants(marts)
    consensus_rows = marts.consensus_oracles
    classes = Counter(r.consensus for r in consensus_rows)
    assert set(classes) == {"unanimous", "majority", "plurality", "tie", "no_votes"}
    assert min(classes.values()) >= 20
    assert {r.agrees_with_specified for r in consensus_rows} == {None, True, False}
    both = [r for r in consensus_rows if r.oracle_response and r.cluster_oracle_response]
    assert any(r.oracle_response != r.cluster_oracle_response for r in both)
    assert any(r.consensus == "tie" and r.cluster_oracle_response for r in consensus_rows)
    assert {c.is_stable for c in marts.stimulus_response_matrix} == {True, False}
    assert max(c.n_implementations for c in marts.behavior_clusters) >= 4
    assert max(c.cluster_rank for c in marts.behavior_clusters) >= 4
    assert len(marts.stimulus_response_cube) < len(set(observations)) <= len(observations)
    kinds = {o.response_kind for o in observations}
    assert kinds == {r.kind for r in RESPONSES}
    problems = {(o.data_set_id, o.problem_id) for o in observations}
    assert {d for d, _ in problems if not d.startswith(NIGHTS)} == set(DATA_SET_IDS)
    assert len(runs_set_aside(observations, descriptions)) > 5
    assert any(n == 2 for n in Counter(p for _, p in problems).values())
    changes_by_class = Counter(r.change for r in marts.behavior_changes)
    assert set(changes_by_class) == {
        "new", "new and failing", "gone", "skipped", "unskipped", "fixed", "regressed", "changed",
        "changed, both wrong", "stimulus changed",
    }  # fmt: skip
    assert min(changes_by_class.values()) >= 10
    assert {r.is_right for r in marts.lineage} == {None, True, False}
    assert {r.revision_rank for r in marts.lineage} >= {1, 2, 3, 4}
    times_described = Counter(
        (d.data_set_id, d.problem_id, d.implementation_id) for d in descriptions
    )
    assert set(times_described.values()) == {1, 2, 3}
    assert max(r.n_distinct_responses for r in marts.flaky_responses) >= 3
    assert max(r.n_most_frequent for r in marts.flaky_responses) >= 3


# --- assessments ---------------------------------------------------------------------------------


def answers(implementation_id: str, *outputs: str | None, **other: Any) -> list[Observation]:
    """Return one response to each of the tests t0, t1, …; no row for None."""
    return [
        obs(implementation_id, output, test_id=f"t{number}", **other)
        for number, output in enumerate(outputs)
        if output is not None
    ]


def test_scores_of_implementations() -> None:
    """a and b pass all three tests; c passes one, and did not run one; dead may not vote."""
    marts = compute(
        [
            *answers("a", "1", "2", "3"),
            *answers("b", "1", "2", "3"),
            *answers("c", "1", "9", None),
            *answers("dead", "$EXCEPTION@E@", "$EXCEPTION@E@", kind="exception"),
            *answers(ORACLE, "1", "9", "3"),
        ]
    )
    rows = {r.implementation_id: r for r in marts.implementation_assessments}
    assert {i: r.n_tests_passed for i, r in rows.items()} == {"a": 3, "b": 3, "c": 1, "dead": 0}
    assert rows["a"].dual_agreement_score == 4.242641  # 3 * sqrt(2)
    assert rows["a"].mbr_score == 0.75  # (3/3 + 1/2) / 2
    assert rows["c"].mbr_score == 0.5
    assert rows["dead"].mbr_score is None
    assert {i: r.assessment_rank for i, r in rows.items()} == {"a": 1, "b": 2, "c": 3, "dead": 4}
    assert [rows[i].n_not_run for i in ("a", "c", "dead")] == [0, 1, 1]
    assert (rows["a"].n_specified_agreeing, rows["a"].specified_agreement) == (2, 2 / 3)
    assert (rows["a"].passes_consensus, rows["a"].passes_specified) == (True, False)
    assert rows["c"].passes_specified is False  # right, but it did not run t2
    (suspect,) = marts.suspect_oracles
    assert (suspect.test_id, suspect.specified_response, suspect.oracle_response) == (
        "t1",
        "9",
        "2",
    )
    assert suspect.differing_implementation_id == "a"
    assert suspect.specified_implementation_id == "c"
    assert suspect.accused_by == "both"  # a and b are two of three voters
    (problem,) = marts.problem_assessments
    assert (problem.n_clusters, problem.entropy) == (3, 1.5)
    assert (problem.n_consensus_differing, problem.n_consensus_compared) == (1, 3)
    assert (problem.n_passing_consensus, problem.consensus_pass_at_k) == (2, 0.5)
    pairs = {(r.implementation_a, r.implementation_b): r for r in marts.implementation_agreements}
    assert (pairs["a", "c"].n_common_stimuli, pairs["a", "c"].n_equal_responses) == (2, 1)


def test_studies_under_one_name_have_hardly_a_stimulus_in_common() -> None:
    """Two studies of two implementations share one of seven tests, and the oracle answers another one."""
    marts = compute(
        [
            *answers("a", "1", "2", "3", None, None, None),
            *answers("b", "1", "2", "3", None, None, None),
            *answers("c", "1", None, None, "4", "5", "6"),
            *answers("d", "1", None, None, "4", "5", "6"),
            *answers(ORACLE, None, None, None, None, None, None, "7"),
        ]
    )
    (problem,) = marts.problem_assessments
    assert (problem.n_stimuli, problem.n_common_stimuli) == (7, 1)
    assert problem.common_stimuli_share == 1 / 7
    (only_oracle,) = compute(answers(ORACLE, "1")).problem_assessments
    assert (only_oracle.n_common_stimuli, only_oracle.common_stimuli_share) == (0, None)


def test_a_cluster_that_is_only_the_largest_accuses_nobody() -> None:
    """a and b are the largest cluster, and wrong about t0; three others are right, each alone."""
    marts = compute(
        [
            *answers("a", "1", "1", "1"),
            *answers("b", "1", "1", "1"),
            *answers("c", "2", "1", "2"),
            *answers("d", "2", "2", "1"),
            *answers("e", "2", "1", "3"),
            *answers(ORACLE, "2", "1", "2"),
        ]
    )
    assert [(s.test_id, s.accused_by) for s in marts.suspect_oracles] == [("t2", "consensus")]


def test_verdicts_are_specified_answers() -> None:
    marts = compute(
        [
            obs("a", "passed", "verdict"),
            obs("a", "1", test_id="t2"),
            obs(ORACLE, "1", test_id="t2"),
            obs("b", "2", test_id="t3"),
        ]
    )
    (problem,) = marts.problem_assessments
    assert (problem.n_stimuli, problem.n_specified_stimuli) == (3, 2)


def test_verdicts_state_whether_they_are_right() -> None:
    """Two of three fail t0: the consensus is to fail, and it is wrong."""
    rows = compute(
        [
            *answers("a", "failed", "passed", kind="verdict"),
            *answers("b", "failed", "passed", kind="verdict"),
            *answers("c", "passed", None, kind="verdict"),
        ]
    ).implementation_assessments
    assert [r.n_consensus_agreeing for r in rows] == [2, 2, 0]
    assert [r.n_tests_passed for r in rows] == [1, 1, 1]
    assert [r.specified_agreement for r in rows] == [0.5, 0.5, 1.0]
    assert [r.passes_specified for r in rows] == [False, False, False]


def test_transitions_count_the_answers_to_common_stimuli() -> None:
    """a changes one of two answers, b keeps both, c answers nothing twice; a new test splits b from d."""
    old = {"a": "12", "b": "34", "c": "5 ", "d": "34"}
    new = {"a": "196", "b": "347", "c": "  5", "d": "348"}
    rows = compute(in_two_runs(old, new)).behavior_transitions
    assert [(r.transition, r.n_common_stimuli, r.n_answers_kept) for r in rows] == [
        ("moved", 2, 1),
        ("stayed", 2, 2),
        (None, 0, 0),
        ("stayed", 2, 2),
    ]
    assert [r.answers_kept_share for r in rows] == [0.5, 1.0, None, 1.0]
    assert [r.n_companions_lost for r in rows] == [0, 1, 0, 1]


def in_two_runs(old: dict[str, str], new: dict[str, str]) -> list[Observation]:
    """Return the answers of implementations to tests 0, 1, … in two runs, a character each; a space is none."""
    return [
        obs(name, answer, test_id=f"t{test}", run_id=run, observed_at=at(seconds))
        for seconds, (run, of_run) in enumerate({"r1": old, "r2": new}.items())
        for name, text in of_run.items()
        for test, answer in enumerate(text)
        if answer != " "
    ]


_TEXTS = st.dictionaries(
    st.sampled_from("abcd"), st.text(alphabet="12 ", min_size=3, max_size=3), min_size=1
)


@relaxed
@given(old=_TEXTS, new=_TEXTS, added=st.text(alphabet="123", min_size=4, max_size=4))
def test_neither_an_added_stimulus_nor_others_change_a_transition(
    old: dict[str, str], new: dict[str, str], added: str
) -> None:
    def moves(old: dict[str, str], new: dict[str, str]) -> dict[str, tuple[Any, ...]]:
        rows = compute(in_two_runs(old, new)).behavior_transitions
        return {r.subject_id: (r.transition, r.n_common_stimuli, r.n_answers_kept) for r in rows}

    old, new = ({name: text for name, text in of.items() if text.strip()} for of in (old, new))
    before = moves(old, new)
    extended = {name: text + added["abcd".index(name)] for name, text in new.items()}
    assert moves(old, extended) == before
    for name in before:
        alone = moves(*({name: of[name]} if name in of else {} for of in (old, new)))
        assert alone in ({name: before[name]}, {})


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"),
    [(5, 2, 1, 0.4), (5, 2, 2, 0.7), (3, 2, 2, 1.0), (3, 0, 3, 0.0), (2, 1, 3, None)],
)
def test_pass_at_k(n: int, c: int, k: int, expected: float | None) -> None:
    assert pass_at_k(n, c, k) == expected


def test_suite_is_chosen_greedily() -> None:
    """t0 and t1 split four of six pairs, t2 three; t0 is first, then t1 splits both remaining pairs."""
    marts = compute(
        [
            *answers("a", "1", "1", "1", "1"),
            *answers("b", "1", "2", "1", "1"),
            *answers("c", "2", "1", "1", "1"),
            *answers("d", "2", "2", None, "1"),
        ]
    )
    rows = [
        (r.n_distinct_columns, r.n_pairs_split, r.entropy, r.suite_rank, r.n_pairs_newly_split)
        for r in marts.discriminating_tests
    ]
    assert rows == [
        (2, 4, 1.0, 1, 4),
        (2, 4, 1.0, 2, 2),
        (2, 3, 0.811278, None, None),
        (1, 0, 0.0, None, None),
    ]

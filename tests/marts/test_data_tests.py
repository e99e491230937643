"""Every data test fails on data that violates its invariant, and passes on data that does not.

A small lakehouse is built once. Each case changes a mart in a transaction that is rolled back,
and runs the compiled SQL of the test.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest
from obslake import engine

from tests.harness.workspace import Workspace
from tests.marts.conftest import MARTS

CUBE = "main.stimulus_response_cube"
MATRIX = "main.stimulus_response_matrix"
SIGNATURES = "main.response_signatures"
CLUSTERS = "main.behavior_clusters"
MEMBERS = "main.behavior_cluster_members"
ORACLES = "main.consensus_oracles"
IMPLEMENTATIONS = "main.implementations"
TESTS = "main.tests"
RUNS = "main.runs"
MEASUREMENTS = "main.measurements"
LINEAGE = "main.lineage"
CHANGES = "main.behavior_changes"
FLAKY = "main.flaky_responses"
EXAMPLES = "main.training_examples"
TRANSITIONS = "main.behavior_transitions"
EQUIVALENCES = "main.response_equivalences"
DECISIONS = "main.runs_set_aside"
VOTING_RULES = "main.voting_rules"
VOTING_RULES_OF_PROBLEMS = "main_intermediate.int_voting_rules"
RULED_VOTES = "main_intermediate.int_ruled_votes"
RENAMED = "main.renamed_tests"
RENAMED_OF_PROBLEMS = "main_refresh.refresh_renamed_tests"
AGREEMENTS = "main.implementation_agreements"
ASSESSMENTS = "main.implementation_assessments"
PROBLEMS = "main.problem_assessments"
OBSERVED_PROBLEMS = "main.problems"
SUSPECTS = "main.suspect_oracles"
SPECIFIED = "main.specified_responses"
DISCRIMINATING = "main.discriminating_tests"

DEAD = "$EXCEPTION@NoClassDefFoundError@"

Row = dict[str, object]
Node = dict[str, Any]


def actuations(
    problem: str,
    test: str,
    step: int,
    responses: dict[str, str],
    *,
    run: str = "r1",
    day: int = 2,
    **more: object,
) -> list[Row]:
    """Return the responses of implementations to one stimulus, one row each."""
    return [
        {
            "data_set_id": "d",
            "problem_id": problem,
            "test_id": test,
            "step_id": step,
            "implementation_id": implementation,
            "environment_id": "linux",
            "run_id": run,
            "operation": "f(x)",
            "output": output,
            "observed_at": f"2025-01-0{day}T00:00:00Z",
        }
        | more
        for implementation, output in responses.items()
    ]


def observations() -> list[Row]:
    """Return rows that exercise every invariant."""
    return [
        # a and b behave alike, c differs once, less lacks a stimulus, dead cannot be loaded.
        *actuations("p", "t1", 0, {"a": "1", "b": "1", "c": "1", "less": "1", "oracle": "1"}),
        *actuations("p", "t1", 1, {"a": "2", "b": "2", "c": "3", "less": "2", "oracle": "3"}),
        *actuations("p", "t2", 0, {"a": "4", "b": "4", "c": "4", "less": "$*"}),
        # Several responses are right.
        *actuations("r", "t2", 0, {"oracle": "4"}),
        *actuations("r", "t2", 0, {"oracle": "5"}, alternative="text"),
        *actuations("r", "t2", 0, {"oracle": "5"}, alternative="number"),
        *actuations("p", "t1", 0, {"dead": DEAD}),
        *actuations("p", "t2", 0, {"dead": DEAD}),
        # An earlier run that answered differently, a later one, a retry, another environment.
        *actuations("p", "t1", 1, {"a": "9"}, run="r0", day=1),
        *actuations("p", "t1", 0, {"a": "1"}, run="r2", day=3),
        *actuations("p", "t1", 1, {"c": "3"}, attempt=1),
        *actuations("p", "t1", 0, {"b": "1"}, environment_id="windows"),
        # Rows with a repeated key: an older one, and one that was not executed.
        *actuations("p", "t1", 0, {"b": "7"}, day=1),
        *actuations("p", "t2", 0, {"a": "$*"}, day=4),
        # Verdicts, two leading clusters, an abstention, the same problem in another data set.
        *actuations("q", "t1", 0, {"a": "passed", "b": "failed@1", "c": "failed@2"}),
        *actuations("q", "t1", 0, {"oracle": "passed"}),
        *actuations("r", "t1", 0, {"a": "1", "b": "2"}),
        *actuations("r", "t2", 0, {"a": "5", "b": "5"}),
        *actuations("s", "t1", 0, {"a": "$TIMEOUT"}),
        # A response that changed for one revision.
        *actuations("v", "t1", 0, {"v1": "1"}, day=1),
        *actuations("v", "t1", 0, {"v2": "2"}, day=2),
        *actuations("v", "t1", 0, {"v3": "1"}, day=3),
        # No stimulus in common.
        *actuations("u", "t1", 0, {"a": "1"}),
        *actuations("u", "t2", 0, {"b": "1"}),
        *actuations("p", "t1", 0, {"a": "2"}, data_set_id="other"),
        # A run in which all tests crashed, between two others.
        *(
            row
            for day, run, output in ((1, "r0", "1"), (2, "broken", "$CRASH"), (3, "r2", "1"))
            for test in range(10)
            for row in actuations("w", f"t{test}", 0, {"w": output}, run=run, day=day)
        ),
    ]


def implementations() -> list[Row]:
    """Return descriptions in which c is the revision after a."""
    return [
        {"data_set_id": "d", "problem_id": "p", "implementation_id": i, "lineage": "main"}
        for i in ("a", "c")
    ] + [
        {"data_set_id": "d", "problem_id": "v", "implementation_id": i, "lineage": "main"}
        for i in ("v1", "v2", "v3")
    ]


SINGULAR: dict[str, list[str]] = {
    "changes_follow_from_the_lineage": [
        f"update {CHANGES} set response = response || '!'",
        f"update {CHANGES} set previous_response = null",
        f"update {CHANGES} set previous_implementation_id = implementation_id",
        f"update {LINEAGE} set response_hash = 'same'",
        f"update {LINEAGE} set revision_rank = 7 where implementation_id = 'c'",
        f"update {LINEAGE} set revision_rank = 7 where implementation_id = 'a'",
        f"update {CHANGES} set change = 'stimulus changed'",
    ],
    "flaky_responses_differ_in_the_cube": [
        f"delete from {FLAKY}",
        f"update {FLAKY} set n_distinct_responses = n_distinct_responses + 1",
        f"update {FLAKY} set environment_id = 'elsewhere'",
        f"update {CUBE} set response_hash = 'same'",
        f"update {CUBE} set is_set_aside = false",
    ],
    "response_equivalences_are_valid": [
        f"insert into {EQUIVALENCES} values {rows}"
        for rows in (
            "(null, null, null, 'fuzzy', null)",
            "('d', null, null, null, null)",
            "(null, 'p', null, 'json', '1')",
            "(null, null, null, 'exact', ''), (null, null, '', 'json', null)",
            "('d', 'p', 't*', 'json', null), ('d', 'p', 't*', 'json', 'spelling')",
            "('d', 'p', null, 'mask', 'uuids'), ('d', 'p', '', 'mask', 'uuids')",
            "(null, null, null, 'unordered', 'innermost')",
            "(null, null, null, 'python_equality', 'tuples')",
            *(f"('d', null, null, '{rule}', 'x')" for rule in ("unicode", "case", "whitespace")),
            *(
                f"('d', 'p', null, 'significant_digits', {n})"
                for n in ("null", "'0'", "'18'", "'2.0'", "'2 in texts'", "'in text'")
            ),
            *(
                f"('d', 'p', null, 'mask', {m})"
                for m in ("null", "'uuid'", "'/a'", "'/.*/'", "'/a*/'")
            ),
        )
    ],
    "voting_rules_are_valid": [
        f"insert into {VOTING_RULES} values {rows}"
        for rows in (
            "(null, null, 'quorum', '2')",
            "('d', null, '', '2')",
            "('d', 'p', 'default', '1')",
            "('d', 'p', 'default', ''), ('d', 'p', 'minimal_support', '2')",
            "(null, null, 'one_vote_per', 'code'), ('', '', 'one_vote_per', 'origin')",
            "(null, 'p', 'one_vote_per', 'family')",
            "(null, 'p', 'voting_kind', 'skipped')",
            "(null, 'p', 'eligible_kind', 'exceptions')",
            "('d', 'p', 'abstaining_response', '*'), ('d', 'p', 'abstaining_response', '*')",
            "('d', 'p', 'abstaining_response', 'x'), ('d', 'p', 'voting_response', 'x')",
            "('d', 'p', 'minimal_support', '2'), ('d', 'p', 'minimal_support', '0.5 of voters')",
            *(f"('d', 'p', '{rule}', null)" for rule in ("voting_exception", "minimal_support")),
            *(
                f"('d', 'p', 'minimal_support', '{argument}')"
                for argument in (
                    *("0", "2.0", "0.5", "0.5 of votes", "0 of voters", "1.1 of voters"),
                    *("3/2 of voters", "1/0 of voters", "0.1234567 of voters", "0.5 of voters +1"),
                    *("at least 0.5 of voters", "more than 2", "0.5 of voters + 1.5", " 2"),
                    *("more than 1 of voters", "2/2 of implementations + 1"),
                )
            ),
        )
    ],
    "renamed_tests_are_valid": [
        f"insert into {RENAMED} values {rows}"
        for rows in (
            "('d', 'p', null, 't1')",
            "('d', 'p', 't1', '')",
            "(null, 'p', 't1', 't1')",
            "(null, 'p', 't1', 't2'), ('', 'p', 't1', 't3')",
            "(null, null, 't1', 't2'), ('d', 'p', 't2', 't3')",
            "('d', null, 't1', 't2'), (null, 'p', 't2', 't1')",
        )
    ],
    "renamed_tests_ran_under_one_name": [
        f"insert into {RENAMED_OF_PROBLEMS} values ('d', 'p', 't1', 't2')",
        f"insert into {RENAMED_OF_PROBLEMS} values ('d', 'r', 't1', 'x'), ('d', 'r', 't2', 'x')",
    ],
    "runs_set_aside_are_valid": [
        f"insert into {DECISIONS} values {rows}"
        for rows in (
            "('d', null, null, 'true', 'why')",
            "('d', 'r1', null, null, null)",
            "('d', 'r1', null, 'yes', 'why')",
            "('d', 'r1', null, 'true', '')",
            "(null, 'r1', null, 'false', null), ('', 'r1', '', 'true', 'why')",
        )
    ],
    "runs_set_aside_are_observed": [
        f"insert into {DECISIONS} values {rows}"
        for rows in (
            "(null, 'r9', null, 'false', null)",
            "('d', 'r1', 'mars', 'true', 'why')",
            "('other', 'r0', null, 'false', null)",
        )
    ],
    "agreements_are_counted_in_the_matrix": [
        f"update {AGREEMENTS} set n_common_stimuli = n_common_stimuli + 1",
        f"update {AGREEMENTS} set n_equal_responses = n_equal_responses - 1",
        f"update {AGREEMENTS} set agreement = agreement / 2",
        f"update {AGREEMENTS} set agreement = null where n_common_stimuli > 0",
        f"update {AGREEMENTS} set agreement = 0 where n_common_stimuli = 0",
        f"delete from {AGREEMENTS} where implementation_b = 'dead'",
        f"update {AGREEMENTS} set implementation_b = 'oracle' where implementation_b = 'dead'",
        f"update {MATRIX} set response_hash = 'same'",
    ],
    "assessment_ranks_follow_from_the_scores": [
        f"update {ASSESSMENTS} set assessment_rank = assessment_rank + 1",
        f"update {ASSESSMENTS} set assessment_rank = 1",
        f"update {ASSESSMENTS} set assessment_rank = 6 - assessment_rank where problem_id = 'p'",
        f"update {ASSESSMENTS} set mbr_score = 1 - mbr_score",
        f"update {ASSESSMENTS} set dual_agreement_score = dual_agreement_score + 1",
        f"update {ASSESSMENTS} set dual_agreement_score = null where implementation_id = 'c'",
        f"update {ASSESSMENTS} set n_same_tests_passed = null where implementation_id = 'c'",
        f"update {ASSESSMENTS} set is_voter = true where implementation_id = 'dead'",
    ],
    "implementations_of_the_matrix_are_assessed": [
        *(
            f"update {ASSESSMENTS} set {column} = {column} + 1"
            for column in (
                "n_stimuli",
                "n_not_run",
                "n_exceptions",
                "n_timeouts",
                "n_crashes",
                "cluster_rank",
                "n_consensus_compared",
                "n_consensus_agreeing",
                "n_cluster_oracle_compared",
                "n_cluster_oracle_agreeing",
                "n_specified_compared",
                "n_specified_agreeing",
            )
        ),
        f"update {ASSESSMENTS} set is_voter = not is_voter",
        f"delete from {ASSESSMENTS} where implementation_id = 'dead'",
        f"update {ASSESSMENTS} set implementation_id = 'oracle' where implementation_id = 'dead'",
        f"update {MATRIX} set response = 'passed' where response_kind = 'verdict'",
        f"update {ORACLES} set specified_response_hashes = null",
    ],
    "mbr_scores_are_mean_agreements_with_voters": [
        f"update {ASSESSMENTS} set mbr_score = mbr_score / 2",
        f"update {ASSESSMENTS} set mbr_score = null where implementation_id = 'c'",
        f"update {ASSESSMENTS} set mbr_score = 0.5 where implementation_id = 'dead'",
        f"update {ASSESSMENTS} set mbr_score = 0 where problem_id = 's'",
        f"update {AGREEMENTS} set agreement = 1",
    ],
    "minimal_suites_tell_all_clusters_apart": [
        f"update {DISCRIMINATING} set is_in_minimal_suite = false",
        f"update {DISCRIMINATING} set is_in_minimal_suite = false where problem_id = 'p' and suite_rank = 2",
        f"update {MATRIX} set response_hash = 'same'",
    ],
    "problems_are_assessed_by_their_implementations": [
        *(
            f"update {PROBLEMS} set {column} = {column} + 1"
            for column in (
                "n_stimuli",
                "n_common_stimuli",
                "n_tests",
                "n_tied_stimuli",
                "n_specified_stimuli",
                "n_consensus_compared",
                "n_consensus_differing",
                "n_cluster_oracle_compared",
                "n_cluster_oracle_differing",
                "n_clusters",
                "n_largest_cluster",
                "n_implementations",
                "n_voters",
                "n_passing_specified",
                "n_passing_consensus",
            )
        ),
        f"update {PROBLEMS} set entropy = entropy + 9",
        f"update {PROBLEMS} set entropy = -0.5",
        f"update {PROBLEMS} set entropy = null",
        f"update {PROBLEMS} set k = 99",
        f"update {PROBLEMS} set common_stimuli_share = 0.01",
        f"update {PROBLEMS} set common_stimuli_share = null",
        f"update {PROBLEMS} set specified_pass_at_k = null",
        f"update {PROBLEMS} set consensus_pass_at_k = null",
        f"update {PROBLEMS} set specified_pass_at_k = 0 where specified_pass_at_k > 0",
        f"update {PROBLEMS} set specified_pass_at_k = 0.9",
        f"update {PROBLEMS} set consensus_pass_at_k = 0",
        f"delete from {PROBLEMS} where problem_id = 's'",
        f"update {PROBLEMS} set problem_id = 'other' where problem_id = 's'",
        f"update {ASSESSMENTS} set passes_specified = not passes_specified",
    ],
    "suspects_are_where_oracles_differ": [
        f"delete from {SUSPECTS}",
        f"update {SUSPECTS} set step_id = 7",
        f"update {SUSPECTS} set differing_implementation_id = 'c'",
        f"update {SUSPECTS} set specified_implementation_id = 'a'",
        f"update {SUSPECTS} set specified_implementation_id = null",
        f"update {SUSPECTS} set n_specified_votes = 0",
        f"update {SUSPECTS} set operation = 'g(x)'",
        f"update {SUSPECTS} set inputs = '[9]'",
        f"update {SUSPECTS} set n_votes = n_votes + 1",
        f"update {SUSPECTS} set n_voters = n_voters + 1",
        f"update {SUSPECTS} set specified_response = '9'",
        f"update {SUSPECTS} set n_specified_responses = n_specified_responses + 1",
        f"insert into {SPECIFIED} by name select data_set_id, problem_id, test_id, step_id, 'x' as alternative, "
        "oracle_response as response, 'value' as response_kind, md5(oracle_response) as response_hash, "
        f"false as is_first from {SUSPECTS}",
        f"update {SUSPECTS} set oracle_response = '9'",
        f"update {SUSPECTS} set cluster_oracle_response = '9'",
        f"update {SUSPECTS} set consensus = 'unanimous'",
        f"update {SUSPECTS} set accused_by = 'both'",
        f"update {ORACLES} set agrees_with_specified = true",
    ],
    "tests_of_a_suite_split_less_and_less": [
        f"update {DISCRIMINATING} set suite_rank = suite_rank + 1",
        f"update {DISCRIMINATING} set suite_rank = 1",
        f"update {DISCRIMINATING} set suite_rank = null",
        f"update {DISCRIMINATING} set suite_rank = 3 - suite_rank where problem_id = 'p'",
        f"update {DISCRIMINATING} set is_in_minimal_suite = not is_in_minimal_suite",
        f"update {DISCRIMINATING} set n_pairs_newly_split = null",
        f"update {DISCRIMINATING} set n_pairs_newly_split = 0",
        f"update {DISCRIMINATING} set n_pairs_split = n_pairs_split + 1",
        f"update {DISCRIMINATING} set n_pairs_split = 0",
        f"update {DISCRIMINATING} set n_clusters = 1",
        f"update {DISCRIMINATING} set n_steps = n_steps + 1",
        f"update {DISCRIMINATING} set n_distinct_columns = 1",
        f"update {DISCRIMINATING} set entropy = entropy + 2",
        f"update {DISCRIMINATING} set entropy = 0",
        f"delete from {DISCRIMINATING} where test_id = 't1'",
        f"update {DISCRIMINATING} set test_id = 'other' where problem_id = 's'",
    ],
    "agreement_with_the_specified_oracle_is_equality": [
        f"update {ORACLES} set agrees_with_specified = not agrees_with_specified",
        f"update {ORACLES} set cluster_agrees_with_specified = not cluster_agrees_with_specified",
        f"update {ORACLES} set agrees_with_specified = null",
        f"update {ORACLES} set agrees_with_specified = true where specified_response is null",
        f"delete from {SPECIFIED} where not is_first",
        f"update {SPECIFIED} set response_hash = 'x'",
    ],
    "cluster_counts_are_those_of_the_exemplar": [
        f"update {CLUSTERS} set n_stimuli = n_stimuli + 1",
        f"update {CLUSTERS} set n_exceptions = n_exceptions + 1",
        f"delete from {MATRIX} where implementation_id = 'a'",
    ],
    "cluster_oracle_responses_were_answered": [
        f"update {ORACLES} set cluster_oracle_response = cluster_oracle_response || '!'",
        # Only the specified oracle gave this response.
        f"update {MATRIX} set response = '2' where implementation_id = 'c'; "
        f"update {ORACLES} set cluster_oracle_response = '3' where step_id = 1",
    ],
    "cluster_oracles_are_answers_of_the_leading_clusters": [
        f"update {ORACLES} set cluster_oracle_response = null",
        f"update {ORACLES} set cluster_oracle_response = '3' where step_id = 1",
        f"update {ORACLES} set cluster_oracle_response = '1' where consensus = 'tie'",
        f"update {ORACLES} set cluster_oracle_response = '$TIMEOUT' where problem_id = 's'",
    ],
    "cluster_ranks_run_from_one_by_size": [
        f"update {CLUSTERS} set cluster_rank = cluster_rank + 1",
        f"update {CLUSTERS} set cluster_rank = 1",
        f"update {CLUSTERS} set n_implementations = 9 where cluster_rank = 2",
    ],
    "cluster_sizes_are_member_counts": [
        f"update {CLUSTERS} set n_implementations = n_implementations + 1",
        f"update {CLUSTERS} set n_voters = n_voters - 1",
        f"delete from {MEMBERS} where implementation_id = 'c'",
        f"delete from {CLUSTERS} where cluster_rank = 2",
    ],
    "consensus_classes_follow_from_the_votes": [
        f"update {ORACLES} set consensus = 'plurality' where consensus = '{consensus}'"
        for consensus in ("unanimous", "majority", "tie", "no_votes")
    ],
    "different_clusters_answer_differently": [
        f"update {MATRIX} set response_hash = 'same'",
        f"update {MEMBERS} set cluster_id = cluster_id || implementation_id",
    ],
    "different_signatures_mean_different_behavior": [
        f"update {CUBE} set response_hash = 'same'",
        f"update {SIGNATURES} set signature = signature || implementation_id",
    ],
    "different_stimuli_signatures_mean_different_stimuli": [
        f"update {SIGNATURES} set stimuli_signature = stimuli_signature || implementation_id",
    ],
    "equal_signatures_mean_equal_behavior": [
        f"update {SIGNATURES} set signature = 'same'",
        f"update {CUBE} set response_hash = 'other' where implementation_id = 'b'",
    ],
    "equal_stimuli_signatures_mean_equal_stimuli": [
        f"update {SIGNATURES} set stimuli_signature = 'same'",
        f"delete from {CUBE} where implementation_id = 'c' and test_id = 't2'",
    ],
    "every_implementation_of_the_matrix_is_in_one_cluster": [
        f"delete from {MEMBERS} where implementation_id = 'a'",
        f"insert into {MEMBERS} select * from {MEMBERS} limit 1",
        f"delete from {MATRIX} where implementation_id = 'a'",
        f"update {MEMBERS} set implementation_id = 'oracle' where implementation_id = 'a'",
    ],
    "every_observation_is_in_the_cube": [
        f"delete from {CUBE} where implementation_id = 'dead' and test_id = 't2'",
        f"insert into {CUBE} select * from {CUBE} limit 1",
        f"update {CUBE} set run_id = 'other' where implementation_id = 'a'",
    ],
    "every_stimulus_of_the_matrix_has_an_oracle_row": [
        f"delete from {ORACLES} where problem_id = 's'",
        f"delete from {MATRIX} where problem_id = 's'",
        f"insert into {ORACLES} select * from {ORACLES} limit 1",
    ],
    "exemplars_are_the_least_members": [
        f"update {CLUSTERS} set exemplar_implementation_id = 'nobody'",
        f"update {CLUSTERS} set exemplar_implementation_id = 'b' where cluster_rank = 1",
        f"delete from {MEMBERS} where implementation_id = 'dead'",
    ],
    "first_differing_stimuli_differ": [
        f"update {CLUSTERS} set first_differing_test_id = null",
        f"update {CLUSTERS} set first_differing_step_id = null",
        f"update {CLUSTERS} set first_differing_test_id = 't1', first_differing_step_id = 0",
        f"update {CLUSTERS} set first_differing_test_id = 't9' where cluster_rank = 2",
    ],
    "implementations_are_those_of_the_matrix": [
        f"delete from {IMPLEMENTATIONS} where implementation_id = 'dead'",
        f"update {IMPLEMENTATIONS} set n_stimuli = n_stimuli + 1",
        f"update {IMPLEMENTATIONS} set implementation_id = 'oracle' where implementation_id = 'a'",
    ],
    "matrix_cells_were_executed": [
        f"update {MATRIX} set response_kind = 'not_executed' where implementation_id = 'a'",
        f"update {MATRIX} set response_kind = 'skipped' where implementation_id = 'a'",
    ],
    "matrix_is_the_cube_collapsed": [
        f"update {MATRIX} set response = 'other' where implementation_id = 'c'",
        f"update {MATRIX} set response_hash = 'other' where implementation_id = 'c'",
        f"update {MATRIX} set response_kind = 'void' where implementation_id = 'c'",
        f"update {MATRIX} set operation = null",
        f"update {MATRIX} set n_runs = n_runs + 1",
        f"update {MATRIX} set is_stable = not is_stable",
        f"update {MATRIX} set environment_id = 'linux' where implementation_id = 'b'",
        f"update {MATRIX} set observed_at = observed_at + interval 1 day",
        f"delete from {MATRIX} where implementation_id = 'c'",
        f"update {MATRIX} set step_id = 7 where implementation_id = 'c'",
        f"delete from {CUBE} where implementation_id = 'c'",
        f"update {CUBE} set observed_at = observed_at + interval 9 day where run_id = 'r0'",
        f"update {CUBE} set attempt = 2, response = '5' where attempt = 0 and run_id = 'r1'",
        f"update {CUBE} set is_set_aside = true where run_id = 'r1'",
        f"update {CUBE} set is_set_aside = false where run_id = 'broken'",
        # A copy of a cell from an existing run that is not the latest.
        f"delete from {MATRIX} where n_runs = 2 and step_id = 1; "
        f"insert into {MATRIX} by name select 2 as n_runs, false as is_stable, "
        "true as is_current_content, * exclude (attempt, is_final, is_set_aside, duration_ns, "
        "test_content_hash, git_commit, git_branch, pipeline) "
        f"from {CUBE} where run_id = 'r0'",
    ],
    "members_have_the_rank_of_their_cluster": [
        f"update {MEMBERS} set cluster_rank = cluster_rank + 1 where implementation_id = 'c'",
    ],
    "members_of_one_cluster_answer_alike": [
        f"update {MATRIX} set response_hash = 'x' where implementation_id = 'b' and test_id = 't2'",
        f"delete from {MATRIX} where implementation_id = 'b' and test_id = 't2'",
    ],
    "nothing_differs_before_the_first_differing_stimulus": [
        f"update {CLUSTERS} set first_differing_test_id = 't3' where cluster_rank > 1",
        f"update {CLUSTERS} set first_differing_step_id = 2 where first_differing_step_id = 1",
        f"delete from {MATRIX} where implementation_id = 'a' and test_id = 't1' and step_id = 0",
    ],
    "only_a_winner_is_an_oracle": [
        f"update {ORACLES} set oracle_response = null where consensus = 'majority'",
        f"update {ORACLES} set oracle_response = '1' where consensus = 'tie'",
        f"update {ORACLES} set oracle_response = '1' where consensus = 'no_votes'",
        f"update {ORACLES} set n_votes_needed = n_votes + 1 where consensus = 'majority'",
    ],
    "oracle_responses_come_from_voters": [
        f"update {ORACLES} set oracle_response = 'invented' where oracle_response is not null",
        f"update {ORACLES} set oracle_response = '{DEAD}' where problem_id = 'p'",
    ],
    "problem_numbers_are_unique": [
        "update main_refresh.refresh_problem_numbers set problem_no = 1"
    ],
    "problems_are_those_of_the_cube": [
        *(
            f"update {OBSERVED_PROBLEMS} set {column} = {column} + 1"
            for column in ("n_implementations", "n_environments", "n_runs", "n_actuations")
        ),
        f"delete from {OBSERVED_PROBLEMS} where problem_id = 's'",
        f"update {OBSERVED_PROBLEMS} set problem_id = 'other' where problem_id = 's'",
    ],
    "runs_are_the_contexts_of_the_cube": [
        f"update {RUNS} set n_actuations = n_actuations + 1",
        f"update {RUNS} set first_observed_at = first_observed_at - interval 1 day",
        f"update {RUNS} set last_observed_at = last_observed_at + interval 1 day",
        f"update {RUNS} set is_set_aside = true where run_id = 'r0'",
        f"update {RUNS} set is_set_aside = false where run_id = 'broken'",
        f"update {RUNS} set set_aside_reason = null where run_id = 'broken'",
        f"update {RUNS} set set_aside_reason = 'why' where run_id = 'r0'",
        f"update {CUBE} set is_set_aside = true where run_id = 'r0'",
        f"update {CUBE} set is_set_aside = false where run_id = 'broken' and test_id = 't1'",
        f"delete from {RUNS} where run_id = 'r0'",
        f"delete from {CUBE} where run_id = 'r0'",
    ],
    "signatures_are_those_of_the_executed_runs": [
        f"update {SIGNATURES} set n_tests = n_tests + 1",
        f"update {SIGNATURES} set n_steps = n_steps + 1",
        f"delete from {SIGNATURES} where run_id = 'r0'",
        f"update {SIGNATURES} set run_id = 'other' where run_id = 'r0'",
    ],
    "specified_responses_are_the_column_of_the_oracle": [
        f"delete from {SPECIFIED} where is_first",
        f"update {SPECIFIED} set response = 'other'",
        f"update {SPECIFIED} set response_hash = 'other' where is_first",
        f"update {SPECIFIED} set is_first = true",
        f"update {MATRIX} set response_kind = 'timeout' where implementation_id = 'oracle'",
        f"delete from {MATRIX} where implementation_id = 'oracle'",
    ],
    "oracles_list_the_specified_responses": [
        f"update {ORACLES} set specified_response = null",
        f"update {ORACLES} set specified_response = '4'",
        f"update {ORACLES} set specified_response_hash = null",
        f"update {ORACLES} set specified_response_hashes = null",
        f"update {ORACLES} set specified_response_hashes = specified_response_hashes || ' ' || md5('x')",
        f"update {ORACLES} set n_specified_responses = n_specified_responses + 1",
        f"delete from {SPECIFIED}",
        f"update {SPECIFIED} set response_hash = md5('x')",
    ],
    "tests_are_those_of_the_matrix": [
        f"delete from {TESTS} where test_id = 't2'",
        f"update {TESTS} set n_steps = n_steps + 1",
        f"update {TESTS} set n_implementations = n_implementations + 1",
        f"update {TESTS} set test_id = 'other' where test_id = 't2'",
    ],
    "training_examples_agree_with_what_was_specified": [
        f"update {EXAMPLES} set agrees_with_specified = not agrees_with_specified",
        f"update {EXAMPLES} set agrees_with_specified = null",
        f"update {SPECIFIED} set response_hash = 'x'",
        f"delete from {SPECIFIED} where not is_first",
    ],
    "training_examples_are_the_cells_of_the_matrix": [
        f"delete from {EXAMPLES} where implementation_id = 'less'",
        f"delete from {MATRIX} where implementation_id = 'less'",
        f"update {EXAMPLES} set test_id = 'other' where test_id = 't2'",
        f"update {EXAMPLES} set agrees_with_consensus = not agrees_with_consensus",
        f"update {EXAMPLES} set is_voter = false",
    ],
    "answers_of_transitions_are_those_of_the_cube": [
        f"update {TRANSITIONS} set n_common_stimuli = n_common_stimuli + 1",
        f"update {TRANSITIONS} set n_answers_kept = n_answers_kept + 1",
        f"update {TRANSITIONS} set answers_kept_share = answers_kept_share / 2 + 0.3",
        f"update {TRANSITIONS} set answers_kept_share = null",
        f"update {TRANSITIONS} set transition = 'stayed'",
        f"update {TRANSITIONS} set transition = 'moved' where transition = 'stayed'",
        f"update {TRANSITIONS} set transition = null",
        f"update {CUBE} set response_hash = 'other' where run_id = 'r1' and test_id = 't1'",
    ],
    "transitions_are_between_clusters_of_runs": [
        f"delete from {TRANSITIONS} where subject_id = 'a'",
        f"update {TRANSITIONS} set from_cluster_id = 'x' where from_cluster_id is not null",
        f"update {TRANSITIONS} set to_n_implementations = to_n_implementations + 1",
        f"update {TRANSITIONS} set to_implementation_id = 'b' where subject_id = 'a'",
        f"update {TRANSITIONS} set from_run_id = 'r0'",
        f"delete from {SIGNATURES} where implementation_id = 'b'",
    ],
    "voters_have_eligible_responses": [
        f"update {MEMBERS} set is_voter = true where implementation_id = 'dead'",
        f"update {MEMBERS} set is_voter = false where implementation_id = 'c'",
        f"update {MATRIX} set response_kind = 'value' where implementation_id = 'dead'",
        *(
            f"insert into {VOTING_RULES_OF_PROBLEMS} values ('d', 'p', {rule})"
            for rule in ("'eligible_kind', 'exception'", "'abstaining_implementation', '*'")
        ),
    ],
    "votes_add_up": [
        f"update {ORACLES} set n_votes = n_voters + 1",
        f"update {ORACLES} set n_runner_up_votes = n_votes + 1 where consensus = 'majority'",
        f"update {ORACLES} set n_runner_up_votes = n_runner_up_votes - 1",
        f"update {ORACLES} set n_distinct_responses = n_distinct_responses + 1",
        f"update {ORACLES} set vote_share = vote_share / 2",
        f"update {ORACLES} set vote_share = null",
        f"update {ORACLES} set entropy = null",
        f"update {ORACLES} set entropy = entropy + 2",
        f"update {ORACLES} set entropy = -0.5",
    ],
    "votes_are_counted_in_the_matrix": [
        f"update {ORACLES} set n_voters = n_voters + 1",
        f"update {ORACLES} set n_votes = n_votes + 1",
        f"update {ORACLES} set n_runner_up_votes = n_runner_up_votes + 1",
        f"update {ORACLES} set n_distinct_responses = n_distinct_responses + 1",
        f"update {ORACLES} set entropy = entropy + 0.1",
        f"update {MATRIX} set response_kind = 'timeout' where implementation_id = 'c'",
        f"update {MEMBERS} set is_voter = true where implementation_id = 'dead'",
        f"insert into {RULED_VOTES} values ('d', 'p', 'value', '1', false)",
    ],
}

ACCEPTED = {
    ("behavior_changes", "change"),
    ("behavior_transitions", "transition"),
    ("consensus_oracles", "consensus"),
    ("latest_state", "state"),
    ("measurements", "subject_kind"),
    ("stimulus_response_cube", "response_kind"),
    ("stimulus_response_matrix", "response_kind"),
    ("suspect_oracles", "accused_by"),
}


@pytest.fixture(scope="module")
def built(
    make_workspace: Callable[[str], Workspace], build: Callable[[Workspace], None]
) -> Workspace:
    """A small lakehouse with all marts; the build includes its data tests."""
    workspace = make_workspace("data_tests")
    described = workspace.folder / "implementations.jsonl"
    described.write_text("\n".join(json.dumps(row) for row in implementations()))
    workspace.obslake("load", "implementations", str(described))
    path = workspace.folder / "observations.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in observations()))
    workspace.obslake("load", "observations", str(path))
    build(workspace)
    return workspace


@pytest.fixture(scope="module")
def data_tests(built: Workspace) -> dict[str, Node]:
    """The compiled generic tests of the marts and the compiled singular tests, by name."""
    nodes = [n for n in built.manifest()["nodes"].values() if n["resource_type"] == "test"]
    return {n["name"]: n for n in nodes if model_of(n) in {None, *MARTS} and n.get("compiled")}


@pytest.fixture(scope="module")
def marts(built: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts as tables, so that tests can change those that are views."""
    with engine.connect(built.marts) as connection:
        views = "select view_name from duckdb_views() where schema_name = 'main' and not internal"
        for (view,) in connection.execute(views).fetchall():
            connection.execute(f"create table main.changeable as from main.{view}")
            connection.execute(f"drop view main.{view}")
            connection.execute(f"alter table main.changeable rename to {view}")
        # The loaded files have no measurements.
        measurements = (
            "from duckdb_tables() where schema_name = 'main' and table_name = 'measurements'"
        )
        if connection.execute(measurements).fetchall():
            connection.execute(
                f"insert into {MEASUREMENTS} by name select 'd' as data_set_id, 'p' as problem_id, "
                "'implementation' as subject_kind, 'a' as subject_id, 'lines.covered' as metric"
            )
        yield connection


def failures(connection: duckdb.DuckDBPyConnection, node: Node) -> int:
    """Return the number of rows that a data test reports."""
    return len(connection.execute(node["compiled_code"]).fetchall())


def failures_after(connection: duckdb.DuckDBPyConnection, change: str, node: Node) -> int:
    """Return the number of rows that a data test reports after a change, which is rolled back."""
    connection.begin()
    try:
        connection.execute(change)
        return failures(connection, node)
    finally:
        connection.rollback()


def model_of(node: Node) -> str | None:
    """Return the model of a generic test; None for a singular one."""
    attached: str | None = node.get("attached_node")
    return attached.rpartition(".")[2] if attached else None


def generic(data_tests: dict[str, Node], kind: str, mart: str, column: str | None = None) -> Node:
    """Return the generic test of a mart."""
    (node,) = [
        n
        for n in data_tests.values()
        if model_of(n) == mart and n["test_metadata"]["name"] == kind and n["column_name"] == column
    ]
    return node


def test_good_data_passes(marts: duckdb.DuckDBPyConnection, data_tests: dict[str, Node]) -> None:
    found = {name: failures(marts, node) for name, node in data_tests.items()}
    assert found == dict.fromkeys(data_tests, 0)


@pytest.mark.parametrize(
    ("name", "change"), [(name, change) for name, changes in SINGULAR.items() for change in changes]
)
def test_a_broken_invariant_fails(
    marts: duckdb.DuckDBPyConnection, data_tests: dict[str, Node], name: str, change: str
) -> None:
    assert failures_after(marts, change, data_tests[name]) > 0


@pytest.mark.parametrize("mart", MARTS)
def test_a_repeated_key_fails(
    marts: duckdb.DuckDBPyConnection, data_tests: dict[str, Node], mart: str
) -> None:
    change = f"insert into main.{mart} select * from main.{mart} limit 1"
    assert failures_after(marts, change, generic(data_tests, "unique_combination", mart)) > 0


@pytest.mark.parametrize("mart", MARTS)
def test_a_null_in_any_column_fails(
    marts: duckdb.DuckDBPyConnection, data_tests: dict[str, Node], mart: str
) -> None:
    node = generic(data_tests, "never_null", mart)
    found = {
        column: failures_after(marts, f"update main.{mart} set {column} = null", node) > 0
        for column in node["test_metadata"]["kwargs"]["columns"]
    }
    assert found == dict.fromkeys(found, True)


@pytest.mark.parametrize(("mart", "column"), sorted(ACCEPTED))
def test_an_unknown_value_fails(
    marts: duckdb.DuckDBPyConnection, data_tests: dict[str, Node], mart: str, column: str
) -> None:
    change = f"update main.{mart} set {column} = 'surprise'"
    assert failures_after(marts, change, generic(data_tests, "accepted_values", mart, column)) > 0


def test_every_data_test_has_a_failing_case(data_tests: dict[str, Node]) -> None:
    singular = {name for name, node in data_tests.items() if model_of(node) is None}
    assert singular == SINGULAR.keys()
    shown = {("unique_combination", mart, None) for mart in MARTS}
    shown |= {("never_null", mart, None) for mart in MARTS}
    shown |= {("accepted_values", mart, column) for mart, column in ACCEPTED}
    assert shown == {
        (node["test_metadata"]["name"], model_of(node), node["column_name"])
        for node in data_tests.values()
        if model_of(node) is not None
    }

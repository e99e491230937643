-- The tests of a problem that are enough to tell all its behaviour clusters apart, in the order in which to keep them: each splits the most pairs of clusters that the ones before leave together.
-- Parameters: data_set, problem

select
    suite_rank,
    test_id,
    n_steps,
    n_pairs_newly_split,
    n_pairs_split,
    n_distinct_columns,
    entropy
from discriminating_tests
where data_set_id = :data_set and problem_id = :problem and is_in_minimal_suite
order by suite_rank

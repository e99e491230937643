-- A set of tests that is enough to tell all behaviour clusters of a problem apart, in the order in which to keep them: each test splits the most pairs of clusters that the tests before it leave together.
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

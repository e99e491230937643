-- Every test of the matrix has one row. The suite is ranked from 1, and each next test newly splits at least one pair,
-- but no more than the one before it. No test splits more pairs than there are, or newly splits more than it splits.

{% if obslake.leaves_out('suites') %}{{ config(enabled=false) }}{% endif %}

with

all_tests as (

    select * from {{ ref('tests') }}

),

discriminating as (

    select * from {{ ref('discriminating_tests') }}

),

ranked as (

    select
        *,
        lead(suite_rank) over (
            partition by data_set_id, problem_id, is_in_minimal_suite order by suite_rank
        ) as next_rank,
        lead(n_pairs_newly_split) over (
            partition by data_set_id, problem_id, is_in_minimal_suite order by suite_rank
        ) as next_split,
        min(suite_rank) over (partition by data_set_id, problem_id) as first_rank
    from discriminating

),

final as (

    select
        coalesce(all_tests.data_set_id, ranked.data_set_id) as data_set_id,
        coalesce(all_tests.problem_id, ranked.problem_id) as problem_id,
        coalesce(all_tests.test_id, ranked.test_id) as test_id
    from all_tests
    full outer join ranked
        on
            all_tests.data_set_id = ranked.data_set_id
            and all_tests.problem_id = ranked.problem_id
            and all_tests.test_id = ranked.test_id
    where
        all_tests.data_set_id is null
        or ranked.data_set_id is null
        or ranked.n_steps <> all_tests.n_steps
        or ranked.is_in_minimal_suite <> (ranked.suite_rank is not null)
        or ranked.is_in_minimal_suite <> (ranked.n_pairs_newly_split is not null)
        or ranked.first_rank <> 1
        or ranked.next_rank <> ranked.suite_rank + 1
        or ranked.next_split > ranked.n_pairs_newly_split
        or ranked.n_pairs_newly_split < 1
        or ranked.n_pairs_newly_split > ranked.n_pairs_split
        or (ranked.suite_rank = 1 and ranked.n_pairs_newly_split <> ranked.n_pairs_split)
        or ranked.n_pairs_split > ranked.n_clusters * (ranked.n_clusters - 1) / 2
        or ranked.n_distinct_columns > ranked.n_clusters
        or (ranked.n_pairs_split > 0) <> (ranked.n_distinct_columns > 1)
        or ranked.entropy > log2(nullif(ranked.n_distinct_columns, 0)) + 0.000001
        or (ranked.entropy > 0) <> (ranked.n_distinct_columns > 1)

)

select * from final

-- How good each implementation is, judged by the responses of the others and by the specified responses.

with

judged as (

    select * from {{ obslake.stale_rows(ref('int_judged_implementations')) }}

),

matrix_columns as (

    select * from {{ obslake.stale_rows(ref('int_implementation_signatures')) }}

),

clusters as (

    select * from {{ obslake.stale_rows(ref('int_clusters')) }}

),

agreements as (

    select * from {{ obslake.stale_rows(ref('int_cluster_agreements')) }}

),

cells as (

    select * from {{ obslake.stale_rows(ref('int_judged_cells'), has_number=true) }}

),

oracles as (

    select * from {{ obslake.stale_rows(ref('consensus_oracles')) }}

),

-- A verdict decides what is right, like an oracle.
stimuli_with_verdicts as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id
    from cells
    where is_right_verdict is not null
    group by data_set_id, problem_id, test_id, step_id

),

problems as (

    select
        oracles.data_set_id,
        oracles.problem_id,
        count(*) as n_stimuli,
        count(coalesce(oracles.oracle_response_hash, stimuli_with_verdicts.test_id)) as n_decided,
        count(coalesce(oracles.specified_response_hashes, stimuli_with_verdicts.test_id)) as n_specified
    from oracles
    left join stimuli_with_verdicts
        on
            oracles.data_set_id = stimuli_with_verdicts.data_set_id
            and oracles.problem_id = stimuli_with_verdicts.problem_id
            and oracles.test_id = stimuli_with_verdicts.test_id
            and oracles.step_id = stimuli_with_verdicts.step_id
    where oracles.is_current
    group by oracles.data_set_id, oracles.problem_id

),

all_tests as (

    select
        data_set_id,
        problem_id,
        test_id,
        count(*) as n_steps
    from oracles
    where is_current
    group by data_set_id, problem_id, test_id

),

compared as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.test_id,
        cells.implementation_id,
        cells.is_current_content,
        oracles.is_current,
        cells.response_hash = oracles.oracle_response_hash as agrees_with_consensus,
        cells.response_hash = oracles.cluster_oracle_response_hash as agrees_with_cluster_oracle,
        coalesce(cells.is_right_verdict, cells.response_hash = oracles.oracle_response_hash) as is_right_by_consensus,
        coalesce(
            cells.is_right_verdict,
            {{ obslake.is_specified('cells.response_hash', 'oracles.specified_response_hashes') }}
        ) as is_right
    from cells
    inner join oracles
        on
            cells.data_set_id = oracles.data_set_id
            and cells.problem_id = oracles.problem_id
            and cells.test_id = oracles.test_id
            and cells.step_id = oracles.step_id

),

by_test as (

    select
        data_set_id,
        problem_id,
        test_id,
        implementation_id,
        sum(case when is_current then 1 else 0 end) as n_cells,
        sum(case when is_current_content then 1 else 0 end) as n_current_cells,
        count(agrees_with_consensus) as n_consensus_compared,
        sum(case when agrees_with_consensus then 1 else 0 end) as n_consensus_agreeing,
        count(agrees_with_cluster_oracle) as n_cluster_oracle_compared,
        sum(case when agrees_with_cluster_oracle then 1 else 0 end) as n_cluster_oracle_agreeing,
        count(is_right) as n_specified_compared,
        sum(case when is_right then 1 else 0 end) as n_specified_agreeing,
        count(is_right_by_consensus) as n_decided,
        sum(case when is_right_by_consensus then 1 else 0 end) as n_right_by_consensus
    from compared
    group by data_set_id, problem_id, test_id, implementation_id

),

passed as (

    select
        by_test.*,
        case
            when
                by_test.n_current_cells = all_tests.n_steps
                and by_test.n_decided > 0
                and by_test.n_right_by_consensus = by_test.n_decided
                then by_test.test_id
        end as passed_test_id
    from by_test
    left join all_tests
        on
            by_test.data_set_id = all_tests.data_set_id
            and by_test.problem_id = all_tests.problem_id
            and by_test.test_id = all_tests.test_id

),

compared_columns as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        cast(sum(n_cells) as bigint) as n_cells,
        cast(sum(n_consensus_compared) as bigint) as n_consensus_compared,
        cast(sum(n_consensus_agreeing) as bigint) as n_consensus_agreeing,
        cast(sum(n_cluster_oracle_compared) as bigint) as n_cluster_oracle_compared,
        cast(sum(n_cluster_oracle_agreeing) as bigint) as n_cluster_oracle_agreeing,
        cast(sum(n_specified_compared) as bigint) as n_specified_compared,
        cast(sum(n_specified_agreeing) as bigint) as n_specified_agreeing,
        cast(sum(n_right_by_consensus) as bigint) as n_right_by_consensus,
        count(passed_test_id) as n_tests_passed,
        {{ obslake.signature('passed_test_id') }} as passed_tests_signature
    from passed
    group by data_set_id, problem_id, implementation_id

),

-- Each pair of clusters in both directions, and each cluster with its own other members, which agree completely.
neighbours as (

    select
        data_set_id,
        problem_id,
        cluster_rank_a as cluster_rank,
        cluster_rank_b as other_rank,
        n_common_stimuli,
        n_equal_responses
    from agreements
    union all
    select
        data_set_id,
        problem_id,
        cluster_rank_b as cluster_rank,
        cluster_rank_a as other_rank,
        n_common_stimuli,
        n_equal_responses
    from agreements
    union all
    select
        data_set_id,
        problem_id,
        cluster_rank,
        cluster_rank as other_rank,
        cast(1 as bigint) as n_common_stimuli,
        cast(1 as bigint) as n_equal_responses
    from clusters

),

weighted_neighbours as (

    select
        neighbours.data_set_id,
        neighbours.problem_id,
        neighbours.cluster_rank,
        -- Voters are not compared with themselves.
        case
            when neighbours.other_rank = neighbours.cluster_rank then clusters.n_voters - 1
            else clusters.n_voters
        end as n_others,
        -- Exact decimals: a sum of floating-point numbers would depend on the order of its terms.
        cast(
            neighbours.n_equal_responses / cast(neighbours.n_common_stimuli as double) as decimal(20, 12)
        ) as agreement
    from neighbours
    inner join clusters
        on
            neighbours.data_set_id = clusters.data_set_id
            and neighbours.problem_id = clusters.problem_id
            and neighbours.other_rank = clusters.cluster_rank

),

mean_agreements as (

    select
        data_set_id,
        problem_id,
        cluster_rank,
        round(cast(sum(n_others * agreement) as double) / nullif(sum(n_others), 0), 6) as mbr_score
    from weighted_neighbours
    where n_others > 0
    group by data_set_id, problem_id, cluster_rank

),

scored as (

    select
        matrix_columns.data_set_id,
        matrix_columns.problem_id,
        matrix_columns.implementation_id,
        matrix_columns.n_stimuli,
        coalesce(problems.n_stimuli, 0) - compared_columns.n_cells as n_not_run,
        matrix_columns.n_exceptions,
        matrix_columns.n_timeouts,
        matrix_columns.n_crashes,
        matrix_columns.is_voter,
        clusters.cluster_rank,
        clusters.n_implementations as cluster_size,
        compared_columns.n_consensus_compared,
        compared_columns.n_consensus_agreeing,
        compared_columns.n_cluster_oracle_compared,
        compared_columns.n_cluster_oracle_agreeing,
        compared_columns.n_specified_compared,
        compared_columns.n_specified_agreeing,
        case when problems.n_decided > 0 then compared_columns.n_right_by_consensus = problems.n_decided end
            as passes_consensus,
        case when problems.n_specified > 0 then compared_columns.n_specified_agreeing = problems.n_specified end
            as passes_specified,
        compared_columns.n_tests_passed,
        case
            when matrix_columns.is_voter
                then cast(count(*) over (
                    partition by
                        matrix_columns.data_set_id,
                        matrix_columns.problem_id,
                        matrix_columns.is_voter,
                        compared_columns.passed_tests_signature
                ) as bigint)
        end as n_same_tests_passed,
        case when matrix_columns.is_voter then mean_agreements.mbr_score end as mbr_score
    from matrix_columns
    inner join judged
        on
            matrix_columns.data_set_id = judged.data_set_id
            and matrix_columns.problem_id = judged.problem_id
            and matrix_columns.implementation_id = judged.implementation_id
    inner join clusters
        on
            judged.data_set_id = clusters.data_set_id
            and judged.problem_id = clusters.problem_id
            and judged.cluster_rank = clusters.cluster_rank
    left join problems
        on
            matrix_columns.data_set_id = problems.data_set_id
            and matrix_columns.problem_id = problems.problem_id
    inner join compared_columns
        on
            judged.data_set_id = compared_columns.data_set_id
            and judged.problem_id = compared_columns.problem_id
            and judged.judged_implementation_id = compared_columns.implementation_id
    left join mean_agreements
        on
            clusters.data_set_id = mean_agreements.data_set_id
            and clusters.problem_id = mean_agreements.problem_id
            and clusters.cluster_rank = mean_agreements.cluster_rank

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        n_stimuli,
        n_not_run,
        n_exceptions,
        n_timeouts,
        n_crashes,
        is_voter,
        cluster_rank,
        cluster_size,
        n_consensus_compared,
        n_consensus_agreeing,
        n_consensus_agreeing / cast(nullif(n_consensus_compared, 0) as double) as consensus_agreement,
        n_cluster_oracle_compared,
        n_cluster_oracle_agreeing,
        n_cluster_oracle_agreeing / cast(nullif(n_cluster_oracle_compared, 0) as double) as cluster_oracle_agreement,
        n_specified_compared,
        n_specified_agreeing,
        n_specified_agreeing / cast(nullif(n_specified_compared, 0) as double) as specified_agreement,
        passes_consensus,
        passes_specified,
        n_tests_passed,
        n_same_tests_passed,
        round(n_tests_passed * sqrt(n_same_tests_passed), 6) as dual_agreement_score,
        mbr_score,
        cast(
            row_number() over (
                partition by data_set_id, problem_id
                order by
                    -- The square of the score is exact. Implementations that may not vote come last.
                    n_tests_passed * n_tests_passed * n_same_tests_passed desc nulls last,
                    mbr_score desc nulls last,
                    implementation_id asc
            ) as bigint
        ) as assessment_rank
    from scored

)

select * from final
{%- if obslake.leaves_out('assessments') %}
where 1 = 0
{%- endif %}

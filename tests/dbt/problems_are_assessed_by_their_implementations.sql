-- Every problem of the matrix is assessed once, with the counts of its clusters, oracles and implementations; pass@k
-- with k = 1 is the share of passing implementations, and never falls with k.

{% if obslake.leaves_out('assessments') %}{{ config(enabled=false) }}{% endif %}

with

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

clusters as (

    select * from {{ ref('behavior_clusters') }}

),

implementations as (

    select * from {{ ref('implementation_assessments') }}

),

assessments as (

    select * from {{ ref('problem_assessments') }}

),

verdicts as (

    select distinct
        data_set_id,
        problem_id,
        test_id,
        step_id
    from {{ ref('stimulus_response_matrix') }}
    where
        response_kind = 'verdict'
        and is_current_content
        and implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}

),

counted_stimuli as (

    select
        oracles.data_set_id,
        oracles.problem_id,
        count(*) as n_stimuli,
        count(distinct oracles.test_id) as n_tests,
        sum(case when oracles.consensus = 'tie' then 1 else 0 end) as n_tied_stimuli,
        count(case when oracles.is_current then coalesce(oracles.specified_response, verdicts.test_id) end)
            as n_specified_stimuli,
        count(oracles.agrees_with_specified) as n_consensus_compared,
        sum(case when not oracles.agrees_with_specified then 1 else 0 end) as n_consensus_differing,
        count(oracles.cluster_agrees_with_specified) as n_cluster_oracle_compared,
        sum(case when not oracles.cluster_agrees_with_specified then 1 else 0 end) as n_cluster_oracle_differing
    from oracles
    left join verdicts
        on
            oracles.data_set_id = verdicts.data_set_id
            and oracles.problem_id = verdicts.problem_id
            and oracles.test_id = verdicts.test_id
            and oracles.step_id = verdicts.step_id
    group by oracles.data_set_id, oracles.problem_id

),

executed_stimuli as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        count(*) as n_implementations
    from {{ ref('stimulus_response_matrix') }}
    where implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}
    group by data_set_id, problem_id, test_id, step_id

),

common_stimuli as (

    select
        executed_stimuli.data_set_id,
        executed_stimuli.problem_id,
        count(*) as n_common_stimuli
    from executed_stimuli
    inner join assessments
        on
            executed_stimuli.data_set_id = assessments.data_set_id
            and executed_stimuli.problem_id = assessments.problem_id
    where 2 * executed_stimuli.n_implementations > assessments.n_implementations
    group by executed_stimuli.data_set_id, executed_stimuli.problem_id

),

counted_clusters as (

    select
        data_set_id,
        problem_id,
        count(*) as n_clusters,
        max(n_implementations) as n_largest_cluster,
        sum(n_implementations) as n_implementations,
        sum(n_voters) as n_voters
    from clusters
    group by data_set_id, problem_id

),

counted_implementations as (

    select
        data_set_id,
        problem_id,
        sum(case when passes_specified then 1 when not passes_specified then 0 end) as n_passing_specified,
        sum(case when passes_consensus then 1 when not passes_consensus then 0 end) as n_passing_consensus
    from implementations
    group by data_set_id, problem_id

),

final as (

    select
        coalesce(counted_stimuli.data_set_id, assessments.data_set_id) as data_set_id,
        coalesce(counted_stimuli.problem_id, assessments.problem_id) as problem_id
    from counted_stimuli
    full outer join assessments
        on
            counted_stimuli.data_set_id = assessments.data_set_id
            and counted_stimuli.problem_id = assessments.problem_id
    left join counted_clusters
        on
            counted_stimuli.data_set_id = counted_clusters.data_set_id
            and counted_stimuli.problem_id = counted_clusters.problem_id
    left join counted_implementations
        on
            counted_stimuli.data_set_id = counted_implementations.data_set_id
            and counted_stimuli.problem_id = counted_implementations.problem_id
    left join common_stimuli
        on
            counted_stimuli.data_set_id = common_stimuli.data_set_id
            and counted_stimuli.problem_id = common_stimuli.problem_id
    where
        counted_stimuli.data_set_id is null
        or assessments.data_set_id is null
        or assessments.n_stimuli <> counted_stimuli.n_stimuli
        or assessments.n_tests <> counted_stimuli.n_tests
        or assessments.n_common_stimuli <> coalesce(common_stimuli.n_common_stimuli, 0)
        or (assessments.common_stimuli_share is null) <> (assessments.n_implementations = 0)
        or abs(
            assessments.common_stimuli_share
            - assessments.n_common_stimuli / cast(assessments.n_stimuli as double)
        ) > 0.000001
        or assessments.n_tied_stimuli <> counted_stimuli.n_tied_stimuli
        or assessments.n_specified_stimuli <> counted_stimuli.n_specified_stimuli
        or assessments.n_consensus_compared <> counted_stimuli.n_consensus_compared
        or assessments.n_consensus_differing <> counted_stimuli.n_consensus_differing
        or assessments.n_cluster_oracle_compared <> counted_stimuli.n_cluster_oracle_compared
        or assessments.n_cluster_oracle_differing <> counted_stimuli.n_cluster_oracle_differing
        or assessments.n_clusters <> coalesce(counted_clusters.n_clusters, 0)
        or assessments.n_largest_cluster <> coalesce(counted_clusters.n_largest_cluster, 0)
        or assessments.n_implementations <> coalesce(counted_clusters.n_implementations, 0)
        or assessments.n_voters <> coalesce(counted_clusters.n_voters, 0)
        or coalesce(assessments.n_passing_specified, -1) <> coalesce(counted_implementations.n_passing_specified, -1)
        or coalesce(assessments.n_passing_consensus, -1) <> coalesce(counted_implementations.n_passing_consensus, -1)
        or (assessments.entropy is null) <> (assessments.n_clusters = 0)
        or assessments.entropy < 0
        or assessments.entropy > log2(nullif(assessments.n_clusters, 0)) + 0.000001
        or (assessments.specified_pass_at_k is null) <> (
            assessments.n_passing_specified is null or assessments.n_implementations < assessments.k
        )
        or (assessments.consensus_pass_at_k is null) <> (
            assessments.n_passing_consensus is null or assessments.n_implementations < assessments.k
        )
        or assessments.specified_pass_at_k + 0.000001
        < assessments.n_passing_specified / cast(nullif(assessments.n_implementations, 0) as double)
        or assessments.consensus_pass_at_k + 0.000001
        < assessments.n_passing_consensus / cast(nullif(assessments.n_implementations, 0) as double)
        or (
            assessments.k = 1
            and abs(
                assessments.specified_pass_at_k
                - assessments.n_passing_specified / cast(nullif(assessments.n_implementations, 0) as double)
            ) > 0.000001
        )

)

select * from final

-- For each pair of clusters of a problem, the number of stimuli that both executed and that both answered alike.
--
-- There are many pairs. So only deviations from the usual are compared; the rest follows from counts.

with

deviations as (

    select * from {{ obslake.stale_rows(ref('int_deviations'), has_number=true) }}

),

exemplars as (

    select
        clusters.data_set_id,
        clusters.problem_id,
        clusters.cluster_rank,
        matrix_columns.n_stimuli
    from {{ obslake.stale_rows(ref('int_clusters')) }} as clusters
    inner join {{ obslake.stale_rows(ref('int_implementation_signatures')) }} as matrix_columns
        on
            clusters.data_set_id = matrix_columns.data_set_id
            and clusters.problem_id = matrix_columns.problem_id
            and clusters.exemplar_implementation_id = matrix_columns.implementation_id

),

counted as (

    select
        data_set_id,
        problem_id,
        cluster_rank,
        sum(case when is_usually_executed then 1 else 0 end) as n_deviating,
        sum(case when is_usually_executed and response_hash is null then 1 else 0 end) as n_missing,
        sum(case when is_usually_executed then 0 else 1 end) as n_unusual
    from deviations
    group by data_set_id, problem_id, cluster_rank

),

-- The number of usually executed stimuli is the same for all clusters of a problem.
clusters as (

    select
        exemplars.data_set_id,
        exemplars.problem_id,
        exemplars.cluster_rank,
        coalesce(counted.n_deviating, 0) as n_deviating,
        coalesce(counted.n_missing, 0) as n_missing,
        exemplars.n_stimuli - coalesce(counted.n_unusual, 0) + coalesce(counted.n_missing, 0) as n_usually_executed
    from exemplars
    left join counted
        on
            exemplars.data_set_id = counted.data_set_id
            and exemplars.problem_id = counted.problem_id
            and exemplars.cluster_rank = counted.cluster_rank

),

-- What both deviate in is subtracted twice below.
both_deviating as (

    select
        a.data_set_id,
        a.problem_id,
        a.cluster_rank as cluster_rank_a,
        b.cluster_rank as cluster_rank_b,
        sum(case
            when not a.is_usually_executed or (a.response_hash is null and b.response_hash is null) then 1 else 0
        end) as n_common_stimuli,
        sum(
            case when a.is_usually_executed then 1 else 0 end
            + case when a.response_hash = b.response_hash then 1 else 0 end
        ) as n_equal_responses
    from deviations as a
    inner join deviations as b
        on
            a.problem_no = b.problem_no
            and a.data_set_id = b.data_set_id
            and a.problem_id = b.problem_id
            and a.test_id = b.test_id
            and a.step_id = b.step_id
            and a.cluster_rank < b.cluster_rank
    group by a.data_set_id, a.problem_id, a.cluster_rank, b.cluster_rank

),

agreements as (

    select
        a.data_set_id,
        a.problem_id,
        a.cluster_rank as cluster_rank_a,
        b.cluster_rank as cluster_rank_b,
        a.n_usually_executed - a.n_missing - b.n_missing as n_common_stimuli,
        a.n_usually_executed - a.n_deviating - b.n_deviating as n_equal_responses
    from clusters as a
    inner join clusters as b
        on
            a.data_set_id = b.data_set_id
            and a.problem_id = b.problem_id
            and a.cluster_rank < b.cluster_rank
    where a.n_usually_executed > 0
    union all
    select * from both_deviating

),

final as (

    select
        data_set_id,
        problem_id,
        cluster_rank_a,
        cluster_rank_b,
        cast(sum(n_common_stimuli) as bigint) as n_common_stimuli,
        cast(sum(n_equal_responses) as bigint) as n_equal_responses
    from agreements
    group by data_set_id, problem_id, cluster_rank_a, cluster_rank_b
    having sum(n_common_stimuli) > 0

)

select * from final
{%- if obslake.leaves_out('agreements') and obslake.leaves_out('assessments') %}
where 1 = 0
{%- endif %}

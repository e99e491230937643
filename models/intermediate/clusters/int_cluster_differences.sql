-- The first stimulus at which each cluster differs from the largest one of its problem. Exemplars are enough for the
-- comparison, because all members of a cluster have the same column.

with

clusters as (

    select * from {{ obslake.stale_rows(ref('int_clusters')) }}
    where cluster_rank > 1

),

deviations as (

    select * from {{ obslake.stale_rows(ref('int_deviations'), has_number=true) }}

),

-- The deviations of each cluster, and those of the largest cluster once for each other cluster.
compared as (

    select
        data_set_id,
        problem_id,
        cluster_rank,
        test_id,
        step_id,
        response_hash
    from deviations
    where cluster_rank > 1
    union all
    select
        largest.data_set_id,
        largest.problem_id,
        clusters.cluster_rank,
        largest.test_id,
        largest.step_id,
        largest.response_hash
    from deviations as largest
    inner join clusters
        on
            largest.data_set_id = clusters.data_set_id
            and largest.problem_id = clusters.problem_id
    where largest.cluster_rank = 1

),

differences as (

    select
        data_set_id,
        problem_id,
        cluster_rank,
        test_id,
        step_id
    from compared
    group by data_set_id, problem_id, cluster_rank, test_id, step_id
    having count(*) = 1 or min(coalesce(response_hash, '')) <> max(coalesce(response_hash, ''))

),

ranked as (

    select
        *,
        row_number() over (
            partition by data_set_id, problem_id, cluster_rank
            order by test_id, step_id
        ) as difference_number
    from differences

),

final as (

    select
        ranked.data_set_id,
        ranked.problem_id,
        clusters.cluster_id,
        ranked.test_id,
        ranked.step_id
    from ranked
    inner join clusters
        on
            ranked.data_set_id = clusters.data_set_id
            and ranked.problem_id = clusters.problem_id
            and ranked.cluster_rank = clusters.cluster_rank
    where ranked.difference_number = 1

)

select * from final

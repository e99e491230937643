-- The first stimulus at which each cluster differs from the largest one of its problem. Every member of a
-- cluster has the same column, so exemplars stand for them.

with

clusters as (

    select * from {{ obslake.stale_rows(ref('int_clusters')) }}

),

cells as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true) }}

),

exemplar_cells as (

    select
        clusters.data_set_id,
        clusters.problem_id,
        clusters.cluster_id,
        clusters.cluster_rank,
        cells.test_id,
        cells.step_id,
        cells.response_hash
    from clusters
    inner join cells
        on
            clusters.data_set_id = cells.data_set_id
            and clusters.problem_id = cells.problem_id
            and clusters.exemplar_implementation_id = cells.implementation_id

),

largest_cells as (

    select * from exemplar_cells
    where cluster_rank = 1

),

-- Every stimulus of either of the two, once for the cluster and once for the largest one.
compared_cells as (

    select
        data_set_id,
        problem_id,
        cluster_id,
        test_id,
        step_id,
        response_hash
    from exemplar_cells
    where cluster_rank > 1
    union all
    select
        largest_cells.data_set_id,
        largest_cells.problem_id,
        clusters.cluster_id,
        largest_cells.test_id,
        largest_cells.step_id,
        largest_cells.response_hash
    from largest_cells
    inner join clusters
        on
            largest_cells.data_set_id = clusters.data_set_id
            and largest_cells.problem_id = clusters.problem_id
    where clusters.cluster_rank > 1

),

differences as (

    select
        data_set_id,
        problem_id,
        cluster_id,
        test_id,
        step_id
    from compared_cells
    group by data_set_id, problem_id, cluster_id, test_id, step_id
    having count(*) = 1 or min(response_hash) <> max(response_hash)

),

ranked as (

    select
        *,
        row_number() over (
            partition by data_set_id, problem_id, cluster_id
            order by test_id, step_id
        ) as difference_number
    from differences

),

final as (

    select
        data_set_id,
        problem_id,
        cluster_id,
        test_id,
        step_id
    from ranked
    where difference_number = 1

)

select * from final

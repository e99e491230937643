-- No two clusters of a problem have equal columns. Recomputed without the signature, from the sorted cells of the least
-- member of each cluster.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

least_members as (

    select
        data_set_id,
        problem_id,
        cluster_id,
        min(implementation_id) as implementation_id
    from members
    group by data_set_id, problem_id, cluster_id

),

behaviors as (

    select
        matrix.data_set_id,
        matrix.problem_id,
        least_members.cluster_id,
        array_sort(array_agg(
            concat_ws(':', matrix.response_hash, cast(matrix.step_id as string), matrix.test_id)
        )) as behavior
    from matrix
    inner join least_members
        on
            matrix.data_set_id = least_members.data_set_id
            and matrix.problem_id = least_members.problem_id
            and matrix.implementation_id = least_members.implementation_id
    group by matrix.data_set_id, matrix.problem_id, least_members.cluster_id

),

final as (

    select
        data_set_id,
        problem_id,
        min(cluster_id) as cluster_id,
        max(cluster_id) as equal_cluster_id
    from behaviors
    group by data_set_id, problem_id, behavior
    having count(*) > 1

)

select * from final

-- Members of one cluster have executed the same stimuli and answered each of them alike. Recomputed from the cells:
-- every stimulus of a cluster has one cell for each member, and all of them are equal.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

sizes as (

    select
        data_set_id,
        problem_id,
        cluster_id,
        count(*) as n_members
    from members
    group by data_set_id, problem_id, cluster_id

),

stimuli as (

    select
        matrix.data_set_id,
        matrix.problem_id,
        members.cluster_id,
        matrix.test_id,
        matrix.step_id,
        count(*) as n_cells,
        min(matrix.response_hash) as least_hash,
        max(matrix.response_hash) as greatest_hash
    from matrix
    inner join members
        on
            matrix.data_set_id = members.data_set_id
            and matrix.problem_id = members.problem_id
            and matrix.implementation_id = members.implementation_id
    group by matrix.data_set_id, matrix.problem_id, members.cluster_id, matrix.test_id, matrix.step_id

),

final as (

    select
        stimuli.*,
        sizes.n_members
    from stimuli
    inner join sizes
        on
            stimuli.data_set_id = sizes.data_set_id
            and stimuli.problem_id = sizes.problem_id
            and stimuli.cluster_id = sizes.cluster_id
    where stimuli.n_cells <> sizes.n_members or stimuli.least_hash <> stimuli.greatest_hash

)

select * from final

-- Every implementation of the matrix is in exactly one cluster, and every member of a cluster has a column in the
-- matrix. Lost or invented members would change sizes, ranks and the cluster oracle. The specified oracle is not an
-- implementation.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

both_sides as (

    select distinct
        data_set_id,
        problem_id,
        implementation_id,
        1 as n_columns,
        0 as n_memberships
    from matrix
    where implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}
    union all
    select
        data_set_id,
        problem_id,
        implementation_id,
        0 as n_columns,
        1 as n_memberships
    from members

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        sum(n_columns) as n_columns,
        sum(n_memberships) as n_memberships
    from both_sides
    group by data_set_id, problem_id, implementation_id
    having sum(n_columns) <> 1 or sum(n_memberships) <> 1

)

select * from final

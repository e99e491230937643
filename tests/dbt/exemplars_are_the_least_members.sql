-- The exemplar of a cluster is its member with the least id, so that every build chooses the same one.

with

clusters as (

    select * from {{ ref('behavior_clusters') }}

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

final as (

    select
        clusters.data_set_id,
        clusters.problem_id,
        clusters.cluster_id,
        clusters.exemplar_implementation_id,
        least_members.implementation_id as least_implementation_id
    from clusters
    left join least_members
        on
            clusters.data_set_id = least_members.data_set_id
            and clusters.problem_id = least_members.problem_id
            and clusters.cluster_id = least_members.cluster_id
    where clusters.exemplar_implementation_id is distinct from least_members.implementation_id

)

select * from final

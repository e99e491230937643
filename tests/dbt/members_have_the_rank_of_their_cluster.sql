-- The rank is equal in both marts that have it, so that members can be filtered without a join.

with

clusters as (

    select * from {{ ref('behavior_clusters') }}

),

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

final as (

    select
        members.data_set_id,
        members.problem_id,
        members.implementation_id,
        members.cluster_rank as rank_of_member,
        clusters.cluster_rank as rank_of_cluster
    from members
    inner join clusters
        on
            members.data_set_id = clusters.data_set_id
            and members.problem_id = clusters.problem_id
            and members.cluster_id = clusters.cluster_id
    where members.cluster_rank <> clusters.cluster_rank

)

select * from final

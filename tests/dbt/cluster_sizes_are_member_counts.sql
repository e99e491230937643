-- A cluster counts exactly its members and the voters among them, and every member is in an existing cluster.

with

clusters as (

    select * from {{ ref('behavior_clusters') }}

),

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

both_sides as (

    select
        data_set_id,
        problem_id,
        cluster_id,
        1 as n_clusters,
        n_implementations,
        n_voters,
        0 as n_members,
        0 as n_voting_members
    from clusters
    union all
    select
        data_set_id,
        problem_id,
        cluster_id,
        0 as n_clusters,
        0 as n_implementations,
        0 as n_voters,
        1 as n_members,
        case when is_voter then 1 else 0 end as n_voting_members
    from members

),

sums as (

    select
        data_set_id,
        problem_id,
        cluster_id,
        sum(n_clusters) as n_clusters,
        sum(n_implementations) as n_implementations,
        sum(n_members) as n_members,
        sum(n_voters) as n_voters,
        sum(n_voting_members) as n_voting_members
    from both_sides
    group by data_set_id, problem_id, cluster_id

),

final as (

    select * from sums
    where n_clusters <> 1 or n_implementations <> n_members or n_voters <> n_voting_members

)

select * from final

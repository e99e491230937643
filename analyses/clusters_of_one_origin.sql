-- Which votes are not independent? Clusters dominated by one origin (a model, a package), whose implementations agree
-- because they are related.

with

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

implementations as (

    select * from {{ ref('implementations') }}
    where origin is not null

),

origins as (

    select
        members.data_set_id,
        members.problem_id,
        members.cluster_id,
        members.cluster_rank,
        implementations.origin,
        count(*) as n_of_origin
    from members
    inner join implementations
        on
            members.data_set_id = implementations.data_set_id
            and members.problem_id = implementations.problem_id
            and members.implementation_id = implementations.implementation_id
    group by
        members.data_set_id, members.problem_id, members.cluster_id, members.cluster_rank, implementations.origin

),

clusters as (

    select * from {{ ref('behavior_clusters') }}
    where n_implementations > 1

),

final as (

    select
        clusters.data_set_id,
        clusters.problem_id,
        clusters.cluster_rank,
        clusters.n_implementations,
        origins.origin,
        origins.n_of_origin,
        origins.n_of_origin / cast(clusters.n_implementations as double) as origin_share
    from clusters
    inner join origins
        on
            clusters.data_set_id = origins.data_set_id
            and clusters.problem_id = origins.problem_id
            and clusters.cluster_id = origins.cluster_id
    where 2 * origins.n_of_origin > clusters.n_implementations

)

select * from final
order by origin_share desc, n_implementations desc, data_set_id asc, problem_id asc, cluster_rank asc

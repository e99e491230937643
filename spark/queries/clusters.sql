-- The behaviour clusters of a problem, largest first, each with its members and the first stimulus at which it differs from the largest.
-- Parameters: data_set, problem

with

clusters as (

    select * from behavior_clusters
    where data_set_id = :data_set and problem_id = :problem

),

members as (

    select
        cluster_id,
        array_sort(array_agg(implementation_id)) as implementation_ids
    from behavior_cluster_members
    where data_set_id = :data_set and problem_id = :problem
    group by cluster_id

)

select
    clusters.cluster_rank,
    clusters.cluster_id,
    clusters.n_implementations,
    clusters.exemplar_implementation_id,
    clusters.n_stimuli,
    clusters.n_exceptions,
    clusters.first_differing_test_id,
    clusters.first_differing_step_id,
    members.implementation_ids
from clusters
inner join members on clusters.cluster_id = members.cluster_id
order by clusters.cluster_rank

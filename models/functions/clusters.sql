{{ config(parameters=['data_set', 'problem']) }}

with

clusters as (

    select * from {{ obslake.relation_without_database(ref('behavior_clusters')) }}
    where data_set_id = data_set and problem_id = problem

),

members as (

    select
        cluster_id,
        array_sort(array_agg(implementation_id)) as implementation_ids
    from {{ obslake.relation_without_database(ref('behavior_cluster_members')) }}
    where data_set_id = data_set and problem_id = problem
    group by cluster_id

),

{{ obslake.unknown_name({'problem': 'problem'}) }}

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
union all
{{ obslake.unknown_name_row(9) }}
order by clusters.cluster_rank

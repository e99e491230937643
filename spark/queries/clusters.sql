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

),

known_names as (

    select
        'data set' as kind,
        data_set_id as name
    from problems
    where data_set_id is not null
    union all
    select
        'problem' as kind,
        problem_id as name
    from problems
    where problem_id is not null and data_set_id = :data_set

),

unknown_names as (

    select
        1 as place,
        'data set' as kind,
        'problems' as mart,
        coalesce(cast(:data_set as string), '') as name,
        '' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'data set' and name = :data_set)
    union all
    select
        2 as place,
        'problem' as kind,
        'problems' as mart,
        coalesce(cast(:problem as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'problem' and name = :problem)

),

unknown_name as (

    select
        'obslake: no ' || unknown_names.kind || ' \'' || unknown_names.name || '\'' || unknown_names.whereabouts
        || coalesce(
            '; did you mean \'' || known_names.name || '\'? The mart ' || unknown_names.mart || ' has all',
            '; the mart ' || unknown_names.mart || ' has none'
        ) as message
    from unknown_names
    left join known_names on unknown_names.kind = known_names.kind
    order by
        unknown_names.place,
        levenshtein(known_names.name, unknown_names.name) - 0.9 * length(known_names.name),
        known_names.name
    limit 1

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
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by clusters.cluster_rank

-- The consensus oracle of a problem: one row per stimulus, with the winning response and the votes. As of a run, an environment or a revision, only what was executed there counts, as with `obslake_as_of`; of several, all must hold.
-- Parameters: data_set, problem

with

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
    test_id,
    step_id,
    oracle_response,
    consensus,
    n_voters,
    n_votes,
    n_runner_up_votes,
    vote_share,
    n_distinct_responses,
    entropy,
    cluster_oracle_response,
    specified_response,
    n_specified_responses,
    agrees_with_specified
from consensus_oracles
where data_set_id = :data_set and problem_id = :problem
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by test_id, step_id

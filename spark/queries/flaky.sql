-- The stimuli of a data set that the same implementation answered differently in the same environment.
-- Parameters: data_set

with

known_names as (

    select
        'data set' as kind,
        data_set_id as name
    from problems
    where data_set_id is not null

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
    problem_id,
    test_id,
    step_id,
    implementation_id,
    environment_id,
    n_executions,
    n_runs,
    n_distinct_responses,
    most_frequent_response,
    n_most_frequent,
    other_response
from flaky_responses
where data_set_id = :data_set
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by problem_id, test_id, step_id, implementation_id, environment_id

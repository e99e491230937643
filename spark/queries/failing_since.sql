-- The stimuli of a lineage whose last response is wrong, per environment: the first revision that answered wrong, and the last one that answered right. The latest failures come first. If the last revision skipped the stimulus, its state is `skipped`.
-- Parameters: data_set, of_lineage

with

known_names as (

    select
        'data set' as kind,
        data_set_id as name
    from problems
    where data_set_id is not null
    union all
    select
        'lineage' as kind,
        lineage as name
    from implementations
    where lineage is not null and data_set_id = :data_set

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
        'lineage' as kind,
        'implementations' as mart,
        coalesce(cast(:of_lineage as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'lineage' and name = :of_lineage)

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
    environment_id,
    test_id,
    step_id,
    state,
    first_wrong_revision,
    first_wrong_implementation_id,
    first_wrong_at,
    last_right_revision,
    last_right_at,
    n_revisions_since,
    response,
    executed_revision,
    run_id,
    observed_at
from latest_state
where
    data_set_id = :data_set
    and lineage = :of_lineage
    and first_wrong_implementation_id is not null
    and state <> 'gone'
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by first_wrong_at desc, problem_id asc, environment_id asc, test_id asc, step_id asc

-- The wrong responses of a revision by their messages, the most frequent first. Numbers, ids, addresses and times in the first line of a message are replaced, so failures with the same cause are counted together.
-- Parameters: data_set, of_revision, of_lineage, of_environment

with

wrong as (

    select
        environment_id,
        problem_id,
        test_id,
        step_id,
        response_kind,
        response,
        regexp_replace(substr(split_part(response, chr(10), 1), 1, 300), '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|0x[0-9a-fA-F]+|[0-9a-f]{16,64}|[0-9]+([.,:][0-9]+)*', '…') as message
    from lineage_states
    where
        data_set_id = :data_set
        and (revision = :of_revision or implementation_id = :of_revision)
        and lineage = coalesce(:of_lineage, lineage)
        and environment_id = coalesce(:of_environment, environment_id)
        and is_executed
        and not is_right

),

ranked as (

    select
        *,
        row_number() over (
            partition by response_kind, message
            order by problem_id, test_id, step_id, environment_id
        ) as place,
        dense_rank() over (partition by response_kind, message order by problem_id, test_id) as test_number,
        dense_rank() over (partition by response_kind, message order by environment_id) as environment_number
    from wrong

),

known_names as (

    select
        'data set' as kind,
        data_set_id as name
    from problems
    where data_set_id is not null
    union all
    select
        'executed revision or implementation' as kind,
        revision as name
    from implementations
    where revision is not null and data_set_id = :data_set
    union all
    select
        'executed revision or implementation' as kind,
        implementation_id as name
    from implementations
    where implementation_id is not null and data_set_id = :data_set
    union all
    select
        'lineage' as kind,
        lineage as name
    from implementations
    where lineage is not null and data_set_id = :data_set
    union all
    select
        'environment' as kind,
        environment_id as name
    from runs
    where environment_id is not null and data_set_id = :data_set

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
        'executed revision or implementation' as kind,
        'implementations' as mart,
        coalesce(cast(:of_revision as string), '') as name,
        ' in data set \'' || :data_set || '\', not counting runs that are set aside' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'executed revision or implementation' and name = :of_revision)
    union all
    select
        3 as place,
        'lineage' as kind,
        'implementations' as mart,
        coalesce(cast(:of_lineage as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'lineage' and name = :of_lineage)
        and :of_lineage is not null
    union all
    select
        4 as place,
        'environment' as kind,
        'runs' as mart,
        coalesce(cast(:of_environment as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'environment' and name = :of_environment)
        and :of_environment is not null

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
    response_kind,
    message,
    max(test_number) as n_tests,
    max(environment_number) as n_environments,
    max(case when place = 1 then problem_id end) as example_problem_id,
    max(case when place = 1 then test_id end) as example_test_id,
    max(case when place = 1 then environment_id end) as example_environment_id,
    max(case when place = 1 then response end) as example_response
from ranked
group by response_kind, message
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by n_tests desc, n_environments desc, message asc, response_kind asc

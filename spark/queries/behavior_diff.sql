-- The stimuli of a problem to which two implementations responded differently, with both responses; a response is null if the implementation did not execute the stimulus. They are compared in the latest environment in which both executed it, or else in the latest of each, and the environments are shown. If the test was edited in between, `is_same_inputs` is false; it is null if inputs are unknown.
-- Parameters: data_set, problem, implementation_a, implementation_b

with

sides as (

    select
        'a' as side,
        :implementation_a as implementation_id
    union all
    select
        'b' as side,
        :implementation_b as implementation_id

),

responses as (

    select * from stimulus_response_cube
    where
        data_set_id = :data_set
        and problem_id = :problem
        and implementation_id in (:implementation_a, :implementation_b)
        and is_final
        and not is_set_aside

),

finals as (

    select
        sides.side,
        responses.test_id,
        responses.step_id,
        responses.environment_id,
        responses.operation,
        responses.inputs,
        responses.response,
        responses.response_hash,
        responses.observed_at,
        responses.run_id
    from responses
    inner join sides on responses.implementation_id = sides.implementation_id

),

executions as (

    select
        *,
        row_number() over (
            partition by side, test_id, step_id, environment_id
            order by observed_at desc, run_id desc
        ) as run_recency
    from finals

),

cells as (

    select
        *,
        min(observed_at) over (partition by test_id, step_id, environment_id) as both_observed_at,
        min(side) over (partition by test_id, step_id, environment_id)
        <> max(side) over (partition by test_id, step_id, environment_id) as is_common
    from executions
    where run_recency = 1

),

-- Responses are compared in the latest environment in which both executed the stimulus, or else in the latest of each.
ranked as (

    select
        *,
        row_number() over (
            partition by side, test_id, step_id
            order by
                is_common desc,
                case when is_common then both_observed_at else observed_at end desc,
                environment_id desc
        ) as precedence
    from cells

),

a as (

    select * from ranked
    where side = 'a' and precedence = 1

),

b as (

    select * from ranked
    where side = 'b' and precedence = 1

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
    union all
    select distinct
        'implementation' as kind,
        implementation_id as name
    from stimulus_response_cube
    where implementation_id is not null and data_set_id = :data_set and problem_id = :problem

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
    union all
    select
        3 as place,
        'implementation' as kind,
        'stimulus_response_cube' as mart,
        coalesce(cast(:implementation_a as string), '') as name,
        ' in problem \'' || :problem || '\' of data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'implementation' and name = :implementation_a)
    union all
    select
        4 as place,
        'implementation' as kind,
        'stimulus_response_cube' as mart,
        coalesce(cast(:implementation_b as string), '') as name,
        ' in problem \'' || :problem || '\' of data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'implementation' and name = :implementation_b)

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
    coalesce(a.test_id, b.test_id) as test_id,
    coalesce(a.step_id, b.step_id) as step_id,
    coalesce(a.operation, b.operation) as operation,
    coalesce(a.inputs, b.inputs) as inputs,
    a.response as response_a,
    b.response as response_b,
    a.environment_id as environment_id_a,
    b.environment_id as environment_id_b,
    b.inputs as inputs_b,
    a.inputs = b.inputs as is_same_inputs
from a
full outer join b on a.test_id = b.test_id and a.step_id = b.step_id
where
    a.response_hash is distinct from b.response_hash
    -- Otherwise these rows, which are all of one implementation, could come before the error.
    and not exists (select 1 from unknown_name)
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by test_id, step_id

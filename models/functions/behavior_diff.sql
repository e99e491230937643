{{ config(parameters=['data_set', 'problem', 'implementation_a', 'implementation_b']) }}

with

sides as (

    select
        'a' as side,
        implementation_a as implementation_id
    union all
    select
        'b' as side,
        implementation_b as implementation_id

),

responses as (

    select * from {{ obslake.relation_without_database(ref('stimulus_response_cube')) }}
    where
        data_set_id = data_set
        and problem_id = problem
        and implementation_id in (implementation_a, implementation_b)
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

{{ obslake.unknown_name({
    'problem': 'problem',
    'implementation_a': 'implementation',
    'implementation_b': 'implementation',
}) }}

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
{{ obslake.unknown_name_row(10) }}
order by test_id, step_id

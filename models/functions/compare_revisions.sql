{{ config(parameters=['data_set', 'base', 'head']) }}

{%- set test = ['problem_id', 'environment_id', 'test_id'] %}

with

chosen as (

    select
        'base' as side,
        problem_id,
        implementation_id
    from {{ obslake.relation_without_database(ref('implementations')) }}
    where data_set_id = data_set and (implementation_id = base or revision = base)
    union all
    select
        'head' as side,
        problem_id,
        implementation_id
    from {{ obslake.relation_without_database(ref('implementations')) }}
    where data_set_id = data_set and (implementation_id = head or revision = head)

),

actuations as (

    select * from {{ obslake.relation_without_database(ref('stimulus_response_cube')) }}
    where data_set_id = data_set and is_final and not is_set_aside

),

executions as (

    select
        chosen.side,
        actuations.*,
        true as is_executed
    from actuations
    inner join chosen
        on
            actuations.problem_id = chosen.problem_id
            and actuations.implementation_id = chosen.implementation_id

),

-- If a revision has several implementations, the one that was executed last in an environment stands for it. A window
-- finds it, not a join: an engine that does not materialize what is used twice would repeat all steps before.
dated as (

    select
        *,
        max(observed_at) over (
            partition by side, problem_id, environment_id, implementation_id
        ) as last_observed_at
    from executions

),

ranked_implementations as (

    select
        *,
        dense_rank() over (
            partition by side, problem_id, environment_id
            order by last_observed_at desc, implementation_id desc
        ) as implementation_rank
    from dated

),

responses as (

    select
        side,
        problem_id,
        implementation_id,
        environment_id,
        test_id,
        step_id,
        run_id,
        observed_at,
        is_executed,
        operation,
        target,
        inputs,
        test_content_hash,
        response,
        response_kind,
        response_hash
    from ranked_implementations
    where implementation_rank = 1

),

{{ obslake.stimulus_cells('responses', ['side', 'implementation_id'] + test, []) }},

specified as (

    select * from {{ obslake.relation_without_database(ref('specified_responses')) }}
    where data_set_id = data_set

),

first_ones as (

    select * from specified
    where is_first

),

judged as (

    select
        cells.*,
        -- The specified response that it equals, or else the first one.
        {{ obslake.is_right(
            'cells.response_kind', 'cells.response', 'cells.response_hash',
            'coalesce(specified.response_hash, first_ones.response_hash)'
        ) | indent(8) }} as is_right
    from cells
    left join first_ones
        on {{ obslake.equal_columns('cells', 'first_ones', ['problem_id', 'test_id', 'step_id']) | indent(12) }}
    left join specified
        on {{ obslake.equal_columns('cells', 'specified', ['problem_id', 'test_id', 'step_id', 'response_hash']) }}

),

-- What has no counterpart was edited if both have it at the same step.
paired as (

    select
        *,
        case
            when
                min(side) over (partition by {{ test | join(', ') }}, stimulus_id)
                <> max(side) over (partition by {{ test | join(', ') }}, stimulus_id)
                then 'stimulus ' || stimulus_id
            else 'step ' || cast(step_id as string)
        end as counterpart
    from judged

),

bases as (

    select * from paired
    where side = 'base'

),

heads as (

    select * from paired
    where side = 'head'

),

compared as (

    select
        heads.problem_id,
        heads.environment_id,
        heads.test_id,
        heads.step_id,
        bases.step_id as base_step_id,
        bases.implementation_id as base_implementation_id,
        heads.implementation_id as head_implementation_id,
        {{ obslake.class_of_change('bases', 'heads') | indent(8) }} as change,
        bases.is_right as base_is_right,
        heads.is_right as head_is_right,
        heads.operation,
        bases.inputs as base_inputs,
        heads.inputs as head_inputs,
        bases.response as base_response,
        heads.response as head_response,
        bases.run_id as base_run_id,
        heads.run_id as head_run_id,
        bases.observed_at as base_observed_at,
        heads.observed_at as head_observed_at,
        bases.response_hash <> heads.response_hash as is_changed
    from bases
    inner join heads
        on {{ obslake.equal_columns('bases', 'heads', test + ['counterpart']) | indent(12) }}

),

{{ obslake.unknown_name({
    'base': 'executed revision or implementation',
    'head': 'executed revision or implementation',
}) }}

select
    problem_id,
    environment_id,
    test_id,
    step_id,
    base_step_id,
    base_implementation_id,
    head_implementation_id,
    change,
    base_is_right,
    head_is_right,
    operation,
    base_inputs,
    head_inputs,
    base_response,
    head_response,
    base_run_id,
    head_run_id,
    base_observed_at,
    head_observed_at
from compared
where is_changed
union all
{{ obslake.unknown_name_row(19) }}
order by problem_id, environment_id, test_id, step_id

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

-- If a revision has several implementations, the one that was executed last in an environment stands for it.
ranked_implementations as (

    select
        side,
        problem_id,
        environment_id,
        implementation_id,
        row_number() over (
            partition by side, problem_id, environment_id
            order by max(observed_at) desc, implementation_id desc
        ) as recency
    from executions
    group by side, problem_id, environment_id, implementation_id

),

responses as (

    select
        executions.side,
        executions.problem_id,
        executions.implementation_id,
        executions.environment_id,
        executions.test_id,
        executions.step_id,
        executions.run_id,
        executions.observed_at,
        executions.is_executed,
        executions.operation,
        executions.target,
        executions.inputs,
        executions.test_content_hash,
        executions.response,
        executions.response_kind,
        executions.response_hash
    from executions
    inner join ranked_implementations as latest_implementations
        on
            executions.side = latest_implementations.side
            and executions.problem_id = latest_implementations.problem_id
            and executions.environment_id = latest_implementations.environment_id
            and executions.implementation_id = latest_implementations.implementation_id
            and latest_implementations.recency = 1

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

bases as (

    select * from judged
    where side = 'base'

),

heads as (

    select * from judged
    where side = 'head'

),

sides as (

    select
        {% for column in test -%}
            coalesce(bases.{{ column }}, heads.{{ column }}) as {{ column }},
        {% endfor -%}
        bases.step_id as base_step_id,
        heads.step_id as head_step_id
    from bases
    full outer join heads
        on {{ obslake.equal_columns('bases', 'heads', test + ['stimulus_id']) | indent(12) }}

),

only_base as (

    select * from sides
    where head_step_id is null

),

only_head as (

    select * from sides
    where base_step_id is null

),

-- What has no counterpart was edited if both have it at the same step.
pairs as (

    select * from sides
    where base_step_id is not null and head_step_id is not null
    union all
    select
        {% for column in test -%}
            only_base.{{ column }},
        {% endfor -%}
        only_base.base_step_id,
        only_head.head_step_id
    from only_base
    inner join only_head
        on
            {{ obslake.equal_columns('only_base', 'only_head', test) | indent(12) }}
            and only_base.base_step_id = only_head.head_step_id

),

compared as (

    select
        pairs.problem_id,
        pairs.environment_id,
        pairs.test_id,
        pairs.head_step_id as step_id,
        pairs.base_step_id,
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
    from pairs
    inner join bases
        on
            {{ obslake.equal_columns('pairs', 'bases', test) | indent(12) }}
            and pairs.base_step_id = bases.step_id
    inner join heads
        on
            {{ obslake.equal_columns('pairs', 'heads', test) | indent(12) }}
            and pairs.head_step_id = heads.step_id

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

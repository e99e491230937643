-- The state of each stimulus in each revision of a lineage in each environment: the response of the last attempt of the
-- latest run that executed it there, or that it was recorded and not executed.
--
-- A stimulus is the same as in another revision if its content is the same, wherever it is in its test. Where inputs
-- were not recorded, as in reports of verdicts, the step identifies it, and nothing has to be sorted.

{{ config(meta={'unit': 'column'}) }}

{%- set cell = ['data_set_id', 'problem_id', 'implementation_id', 'environment_id', 'test_id'] %}

with

actuations as (

    select * from {{ obslake.stale_rows(ref('int_actuations'), has_number=true) }}
    where not is_oracle and (is_final or is_skipped)

),

revisions as (

    select * from {{ obslake.stale_rows(ref('int_implementations')) }}
    where lineage is not null

),

specified_oracles as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true, whole=true) }}
    where is_oracle and response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})

),

responses as (

    select
        actuations.*,
        revisions.lineage,
        revisions.revision
    from actuations
    inner join revisions
        on
            actuations.data_set_id = revisions.data_set_id
            and actuations.problem_id = revisions.problem_id
            and actuations.implementation_id = revisions.implementation_id

),

with_inputs as (

    select * from responses
    where inputs is not null

),

with_contents as (

    {{ obslake.with_contents('with_inputs', cell + ['run_id']) | indent(4) }}

),

{%- set columns = cell + [
    'step_id', 'run_id', 'observed_at', 'is_executed', 'lineage', 'revision', 'operation', 'inputs', 'response',
    'response_kind', 'response_hash'
] %}

stimuli as (

    select
        {{ columns | join(', ') }},
        cast(step_id as string) as stimulus_id,
        cast(null as string) as content_hash
    from responses
    where inputs is null
    union all
    select
        {{ columns | join(', ') }},
        concat_ws(':', input_hash, cast(occurrence as string)) as stimulus_id,
        content_hash
    from with_contents

),

ranked as (

    select
        *,
        row_number() over (
            partition by {{ cell | join(', ') }}, step_id
            order by is_executed desc, observed_at desc, run_id desc
        ) as recency
    from stimuli

),

latest as (

    select * from ranked
    where recency = 1

),

-- In different runs of an edited test the same stimulus may be at two steps.
placed as (

    select
        *,
        row_number() over (
            partition by {{ cell | join(', ') }}, stimulus_id
            order by is_executed desc, observed_at desc, run_id desc, step_id asc
        ) as precedence
    from latest
    where inputs is not null

),

cells as (

    {%- set columns = columns + ['stimulus_id', 'content_hash'] %}
    select {{ columns | join(', ') }} from latest
    where inputs is null
    union all
    select {{ columns | join(', ') }} from placed
    where precedence = 1

),

final as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.lineage,
        cells.environment_id,
        cells.test_id,
        cells.step_id,
        cells.stimulus_id,
        cells.implementation_id,
        cells.revision,
        cells.run_id,
        cells.observed_at,
        cells.operation,
        cells.inputs,
        cells.content_hash,
        cells.is_executed,
        cells.response,
        cells.response_kind,
        cells.response_hash,
        case
            when cells.is_executed
                then {{ obslake.is_right(
                    'cells.response_kind', 'cells.response', 'cells.response_hash', 'specified_oracles.response_hash'
                ) | indent(20) }}
        end as is_right
    from cells
    left join specified_oracles
        on
            cells.data_set_id = specified_oracles.data_set_id
            and cells.problem_id = specified_oracles.problem_id
            and cells.test_id = specified_oracles.test_id
            and cells.step_id = specified_oracles.step_id

)

select * from final

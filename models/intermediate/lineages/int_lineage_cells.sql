-- The state of each stimulus in each revision of a lineage in each environment: the response of the last attempt of the
-- latest run that executed it there, or that it was recorded and not executed.
--
-- A stimulus is the same as in another revision if the same was put in, wherever it is in its test.

{{ config(meta={'unit': 'column'}) }}

{%- set cell = ['data_set_id', 'problem_id', 'implementation_id', 'environment_id', 'test_id'] %}

with

actuations as (

    select * from {{ obslake.stale_rows(ref('int_actuations'), has_number=true) }}
    where not is_oracle and not is_set_aside and (is_final or is_skipped)

),

revisions as (

    select * from {{ obslake.stale_rows(ref('int_implementations')) }}
    where lineage is not null

),

specified_oracles as (

    {{ obslake.specified_oracles(
        obslake.stale_rows(ref('int_specified_responses'), has_number=true, whole=true) ~ ' as specified_responses'
    ) | indent(4) }}

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

{{ obslake.stimulus_cells('responses', cell, ['lineage', 'revision'], is_large=target.type == 'duckdb') }},

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
        cells.test_content_hash,
        cells.is_executed,
        cells.response,
        cells.response_kind,
        cells.response_hash,
        case
            when cells.is_executed
                then {{ obslake.is_right(
                    'cells.response_kind', 'cells.response', 'cells.response_hash', 'specified_oracles.response_hashes'
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

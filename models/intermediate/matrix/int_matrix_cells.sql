-- The cells of the matrices: the cube, collapsed to the latest run that executed the stimulus.
--
-- It has no context (run, environment, time): a new run with the same responses changes nothing here, and tables that
-- read this are refreshed only if something changed. Models that need the context read int_actuations.

{{ config(
    materialized='view',
    meta={
        'content_of': 'int_actuations',
        'content_rows': 'is_cell',
        'content': [
            'test_id', 'step_id', 'implementation_id', 'operation', 'target', 'inputs', 'response', 'response_kind',
            'response_hash', 'test_content_hash', 'is_oracle'
        ]
    }
) }}

with

actuations as (

    select * from {{ obslake.relation_without_database(ref('int_actuations')) }}
    where is_cell

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        operation,
        target,
        inputs,
        response,
        response_kind,
        response_hash,
        test_content_hash,
        is_oracle,
        problem_no
    from actuations

)

select * from final

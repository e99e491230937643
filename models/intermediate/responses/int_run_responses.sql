-- The final response of each run to a stimulus.

{{ config(materialized='view') }}

with

actuations as (

    select * from {{ obslake.read_by_number(obslake.relation_without_database(ref('int_actuations'))) }}
    where is_final

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        environment_id,
        run_id,
        operation,
        target,
        inputs,
        response,
        response_kind,
        response_hash,
        observed_at,
        is_oracle,
        problem_no
    from actuations

)

select * from final

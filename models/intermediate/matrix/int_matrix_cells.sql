-- The cells of the matrices: the cube, collapsed to the latest run that executed the stimulus.

{{ config(materialized='view') }}

with

actuations as (

    select * from {{ obslake.read_by_number(obslake.relation_without_database(ref('int_actuations'))) }}
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
        run_id,
        environment_id,
        observed_at,
        is_oracle,
        n_runs,
        is_stable,
        problem_no
    from actuations

)

select * from final

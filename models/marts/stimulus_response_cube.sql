-- The SRC: the matrix with all contexts, one slice per run and environment.

{{ config(materialized='view') }}

with

actuations as (

    select * from {{ obslake.read_by_number(obslake.relation_without_database(ref('int_actuations'))) }}
    where not is_alternative

),

runs as (

    select * from {{ obslake.relation_without_database(ref('int_runs')) }}

),

final as (

    select
        actuations.data_set_id,
        actuations.problem_id,
        actuations.test_id,
        actuations.step_id,
        actuations.implementation_id,
        actuations.environment_id,
        actuations.run_id,
        actuations.attempt,
        actuations.operation,
        actuations.target,
        actuations.inputs,
        actuations.test_content_hash,
        actuations.response,
        actuations.response_kind,
        actuations.response_hash,
        actuations.is_final,
        actuations.is_set_aside,
        actuations.duration_ns,
        actuations.observed_at,
        runs.git_commit,
        runs.git_branch,
        runs.pipeline
    from actuations
    left join runs
        on
            actuations.data_set_id = runs.data_set_id
            and actuations.run_id = runs.run_id
            and actuations.environment_id = runs.environment_id

)

select * from final

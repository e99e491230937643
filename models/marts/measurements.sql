-- Measurements of implementations, systems, tests and problems: coverage, mutation, static metrics.

with

measurements as (

    select * from {{ obslake.stale_rows(ref('stg_measurements')) }}

),

-- A measurement that was appended twice is listed once.
final as (

    select distinct
        data_set_id,
        problem_id,
        subject_kind,
        subject_id,
        scope,
        environment_id,
        run_id,
        metric,
        value,
        value_text,
        unit,
        measured_at
    from measurements

)

select * from final

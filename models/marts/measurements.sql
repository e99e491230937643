-- Measurements of implementations, systems, tests and problems: coverage, mutation, static metrics.

with

measurements as (

    select * from {{ obslake.stale_rows(ref('stg_measurements')) }}

),

renamed_tests as (

    select * from {{ ref('refresh_renamed_tests') }}

),

-- A measurement that was appended twice is listed once.
final as (

    select distinct
        measurements.data_set_id,
        measurements.problem_id,
        measurements.subject_kind,
        coalesce(renamed_tests.to_test_id, measurements.subject_id) as subject_id,
        measurements.scope,
        measurements.environment_id,
        measurements.run_id,
        measurements.metric,
        measurements.value,
        measurements.value_text,
        measurements.unit,
        measurements.measured_at
    from measurements
    left join renamed_tests
        on
            measurements.subject_kind = 'test'
            and measurements.data_set_id = renamed_tests.data_set_id
            and measurements.problem_id = renamed_tests.problem_id
            and measurements.subject_id = renamed_tests.from_test_id

)

select * from final

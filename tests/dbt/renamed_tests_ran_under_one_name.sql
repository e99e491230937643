-- No run executed a test under two of its names, because only one of both rows counts. A warning, as the rest is right.

{{ config(severity='warn') }}

with

renamed as (

    select * from {{ ref('refresh_renamed_tests') }}

),

observations as (

    select * from {{ ref('stg_observations') }}
    where {{ obslake.is_executed('response_kind') }}

),

recorded as (

    select
        observations.data_set_id,
        observations.problem_id,
        renamed.to_test_id as test_id,
        observations.implementation_id,
        observations.environment_id,
        observations.run_id,
        observations.test_id as recorded_test_id
    from observations
    inner join renamed
        on
            {{ obslake.equal_columns('observations', 'renamed', ['data_set_id', 'problem_id']) | indent(12) }}
            and observations.test_id in (renamed.from_test_id, renamed.to_test_id)

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        implementation_id,
        environment_id,
        run_id,
        min(recorded_test_id) as one_name,
        max(recorded_test_id) as other_name
    from recorded
    group by data_set_id, problem_id, test_id, implementation_id, environment_id, run_id
    having min(recorded_test_id) <> max(recorded_test_id)

)

select * from final

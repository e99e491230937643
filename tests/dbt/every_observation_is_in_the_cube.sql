-- Every observation is in the cube, under the latest name of its test, unless another row with the same key takes
-- precedence; the cube has no other rows.

with

observations as (

    select * from {{ ref('stg_observations') }}

),

renamed_tests as (

    select * from {{ ref('refresh_renamed_tests') }}

),

cube_rows as (

    select * from {{ ref('stimulus_response_cube') }}

),

named as (

    select
        observations.data_set_id,
        observations.problem_id,
        coalesce(renamed_tests.to_test_id, observations.test_id) as test_id,
        observations.step_id,
        observations.implementation_id,
        observations.environment_id,
        observations.run_id,
        observations.attempt
    from observations
    left join renamed_tests
        on
            observations.data_set_id = renamed_tests.data_set_id
            and observations.problem_id = renamed_tests.problem_id
            and observations.test_id = renamed_tests.from_test_id

),

keys as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        environment_id,
        run_id,
        attempt
    from named
    group by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id, attempt

),

both_sides as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        run_id,
        count(*) as n_keys,
        0 as n_rows
    from keys
    group by data_set_id, problem_id, implementation_id, environment_id, run_id
    union all
    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        run_id,
        0 as n_keys,
        count(*) as n_rows
    from cube_rows
    group by data_set_id, problem_id, implementation_id, environment_id, run_id

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        run_id,
        sum(n_keys) as n_keys,
        sum(n_rows) as n_rows
    from both_sides
    group by data_set_id, problem_id, implementation_id, environment_id, run_id
    having sum(n_keys) <> sum(n_rows)

)

select * from final

-- Exactly the runs of an implementation that executed a stimulus have a signature, with their numbers of tests and
-- steps.

with

cube_rows as (

    select * from {{ ref('stimulus_response_cube') }}

),

signatures as (

    select * from {{ ref('response_signatures') }}

),

stimuli as (

    select
        data_set_id,
        problem_id,
        test_id,
        implementation_id,
        environment_id,
        run_id,
        count(distinct step_id) as n_steps
    from cube_rows
    where {{ obslake.is_executed('response_kind') }}
    group by data_set_id, problem_id, test_id, implementation_id, environment_id, run_id

),

both_sides as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        run_id,
        n_tests,
        n_steps,
        0 as n_tests_of_cube,
        0 as n_steps_of_cube
    from signatures
    union all
    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        run_id,
        0 as n_tests,
        0 as n_steps,
        1 as n_tests_of_cube,
        n_steps as n_steps_of_cube
    from stimuli

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        run_id,
        sum(n_tests) as n_tests,
        sum(n_tests_of_cube) as n_tests_of_cube,
        sum(n_steps) as n_steps,
        sum(n_steps_of_cube) as n_steps_of_cube
    from both_sides
    group by data_set_id, problem_id, implementation_id, environment_id, run_id
    having sum(n_tests) <> sum(n_tests_of_cube) or sum(n_steps) <> sum(n_steps_of_cube)

)

select * from final

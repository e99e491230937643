-- Flaky stimuli have two different responses of the same implementation and environment in the cube, not counting runs
-- that are set aside. Where nothing tells whether a test was edited, because neither inputs nor the contents of tests
-- were recorded, the flaky ones are exactly those.

with

stimulus_response_cube as (

    select * from {{ ref('stimulus_response_cube') }}
    where
        {{ obslake.is_executed('response_kind') }}
        and not is_set_aside
        and implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}

),

flaky_responses as (

    select * from {{ ref('flaky_responses') }}

),

expected as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        environment_id,
        count(distinct response_hash) as n_distinct_responses,
        count(inputs) + count(test_content_hash) as n_contents
    from stimulus_response_cube
    group by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id

),

final as (

    select
        expected.data_set_id,
        expected.problem_id,
        expected.test_id,
        expected.step_id,
        expected.implementation_id,
        expected.environment_id
    from expected
    full outer join flaky_responses
        on
            expected.data_set_id = flaky_responses.data_set_id
            and expected.problem_id = flaky_responses.problem_id
            and expected.test_id = flaky_responses.test_id
            and expected.step_id = flaky_responses.step_id
            and expected.implementation_id = flaky_responses.implementation_id
            and expected.environment_id = flaky_responses.environment_id
    where
        coalesce(expected.n_distinct_responses, 0) < coalesce(flaky_responses.n_distinct_responses, 1)
        or expected.n_contents = 0
        and expected.n_distinct_responses > coalesce(flaky_responses.n_distinct_responses, 1)

)

select * from final

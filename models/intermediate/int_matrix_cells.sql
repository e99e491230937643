-- The cells of the matrices: the cube with the context collapsed to the latest run that executed the stimulus.

with

final_responses as (

    select * from {{ ref('int_final_responses') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by data_set_id, problem_id, test_id, step_id, implementation_id
            order by observed_at desc, run_id desc, environment_id desc
        ) as recency,
        -- Runs, not contexts: a run counts once for all its environments.
        dense_rank() over (
            partition by data_set_id, problem_id, test_id, step_id, implementation_id
            order by run_id
        ) as run_number,
        min(response_hash) over (
            partition by data_set_id, problem_id, test_id, step_id, implementation_id
        ) as least_response_hash,
        max(response_hash) over (
            partition by data_set_id, problem_id, test_id, step_id, implementation_id
        ) as greatest_response_hash
    from final_responses

),

counted as (

    select
        *,
        max(run_number) over (
            partition by data_set_id, problem_id, test_id, step_id, implementation_id
        ) as n_runs
    from ranked

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
        stimulus_hash,
        actuation_hash,
        cast(n_runs as bigint) as n_runs,
        least_response_hash = greatest_response_hash as is_stable
    from counted
    where recency = 1

)

select * from final

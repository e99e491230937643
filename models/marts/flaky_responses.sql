-- Stimuli that the same implementation answered differently in the same environment, in different runs or attempts.

{{ config(meta={'unit': 'column'}) }}

with

actuations as (

    select * from {{ obslake.stale_rows(ref('int_actuations'), has_number=true) }}
    where is_repeated and is_executed and not is_oracle

),

unstable as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        environment_id,
        count(*) as n_executions,
        count(distinct run_id) as n_runs,
        count(distinct response_hash) as n_distinct_responses,
        min(observed_at) as first_observed_at,
        max(observed_at) as last_observed_at
    from actuations
    group by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id
    having min(response_hash) <> max(response_hash)

),

responses as (

    select
        actuations.data_set_id,
        actuations.problem_id,
        actuations.test_id,
        actuations.step_id,
        actuations.implementation_id,
        actuations.environment_id,
        actuations.response_hash,
        min(actuations.response) as response,
        count(*) as n_times
    from actuations
    inner join unstable
        on
            actuations.data_set_id = unstable.data_set_id
            and actuations.problem_id = unstable.problem_id
            and actuations.test_id = unstable.test_id
            and actuations.step_id = unstable.step_id
            and actuations.implementation_id = unstable.implementation_id
            and actuations.environment_id = unstable.environment_id
    group by
        actuations.data_set_id,
        actuations.problem_id,
        actuations.test_id,
        actuations.step_id,
        actuations.implementation_id,
        actuations.environment_id,
        actuations.response_hash

),

ranked as (

    select
        *,
        row_number() over (
            partition by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id
            order by n_times desc, response_hash asc
        ) as response_rank
    from responses

),

final as (

    select
        unstable.data_set_id,
        unstable.problem_id,
        unstable.test_id,
        unstable.step_id,
        unstable.implementation_id,
        unstable.environment_id,
        unstable.n_executions,
        unstable.n_runs,
        unstable.n_distinct_responses,
        frequent.response as most_frequent_response,
        frequent.n_times as n_most_frequent,
        other.response as other_response,
        unstable.first_observed_at,
        unstable.last_observed_at
    from unstable
    inner join ranked as frequent
        on
            unstable.data_set_id = frequent.data_set_id
            and unstable.problem_id = frequent.problem_id
            and unstable.test_id = frequent.test_id
            and unstable.step_id = frequent.step_id
            and unstable.implementation_id = frequent.implementation_id
            and unstable.environment_id = frequent.environment_id
            and frequent.response_rank = 1
    inner join ranked as other
        on
            unstable.data_set_id = other.data_set_id
            and unstable.problem_id = other.problem_id
            and unstable.test_id = other.test_id
            and unstable.step_id = other.step_id
            and unstable.implementation_id = other.implementation_id
            and unstable.environment_id = other.environment_id
            and other.response_rank = 2

)

select * from final

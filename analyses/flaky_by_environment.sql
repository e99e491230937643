-- Where is behaviour flaky? The number of flaky stimuli, per implementation and environment.

with

flaky as (

    select * from {{ ref('flaky_responses') }}

),

signatures as (

    select * from {{ ref('response_signatures') }}
    where not is_set_aside

),

executed as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        count(*) as n_runs,
        max(n_steps) as n_stimuli
    from signatures
    group by data_set_id, problem_id, implementation_id, environment_id

),

final as (

    select
        executed.data_set_id,
        executed.problem_id,
        executed.implementation_id,
        executed.environment_id,
        executed.n_runs,
        executed.n_stimuli,
        count(*) as n_flaky,
        min(flaky.test_id) as one_of_them
    from executed
    inner join flaky
        on
            executed.data_set_id = flaky.data_set_id
            and executed.problem_id = flaky.problem_id
            and executed.implementation_id = flaky.implementation_id
            and executed.environment_id = flaky.environment_id
    group by
        executed.data_set_id,
        executed.problem_id,
        executed.implementation_id,
        executed.environment_id,
        executed.n_runs,
        executed.n_stimuli

)

select * from final
order by n_flaky desc, data_set_id asc, problem_id asc, implementation_id asc, environment_id asc

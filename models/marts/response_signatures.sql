-- The behaviour of an implementation in one run, as a hash that is equal exactly when the behaviour is.

with

final_responses as (

    select * from {{ ref('int_final_responses') }}

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        run_id,
        {{ obslake.signature('actuation_hash') }} as signature,
        {{ obslake.signature('stimulus_hash') }} as stimuli_signature,
        count(distinct test_id) as n_tests,
        count(*) as n_steps
    from final_responses
    group by data_set_id, problem_id, implementation_id, environment_id, run_id

)

select * from final

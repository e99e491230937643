-- Runs with equal signatures executed the same stimuli and answered each of them alike. Recomputed from the cube:
-- every stimulus of a signature has one response from each of its runs, and all responses are equal.

with

cube_rows as (

    select * from {{ ref('stimulus_response_cube') }}

),

signatures as (

    select * from {{ ref('response_signatures') }}

),

executed as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        environment_id,
        run_id,
        max_by(response_hash, attempt) as response_hash
    from cube_rows
    where {{ obslake.is_executed('response_kind') }}
    group by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id

),

sizes as (

    select
        data_set_id,
        problem_id,
        signature,
        count(*) as n_contexts
    from signatures
    group by data_set_id, problem_id, signature

),

stimuli as (

    select
        executed.data_set_id,
        executed.problem_id,
        signatures.signature,
        executed.test_id,
        executed.step_id,
        count(*) as n_responses,
        min(executed.response_hash) as least_hash,
        max(executed.response_hash) as greatest_hash
    from executed
    inner join signatures
        on
            executed.data_set_id = signatures.data_set_id
            and executed.problem_id = signatures.problem_id
            and executed.implementation_id = signatures.implementation_id
            and executed.environment_id = signatures.environment_id
            and executed.run_id = signatures.run_id
    group by
        executed.data_set_id, executed.problem_id, signatures.signature, executed.test_id, executed.step_id

),

final as (

    select
        stimuli.*,
        sizes.n_contexts
    from stimuli
    inner join sizes
        on
            stimuli.data_set_id = sizes.data_set_id
            and stimuli.problem_id = sizes.problem_id
            and stimuli.signature = sizes.signature
    where stimuli.n_responses <> sizes.n_contexts or stimuli.least_hash <> stimuli.greatest_hash

)

select * from final

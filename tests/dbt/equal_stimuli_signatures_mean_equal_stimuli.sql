-- Runs with equal signatures of stimuli executed the same stimuli, whatever their responses. Recomputed from the cube:
-- each run of a signature executed each of its stimuli.

with

cube_rows as (

    select * from {{ ref('stimulus_response_cube') }}
    where {{ obslake.is_executed('response_kind') }}

),

signatures as (

    select * from {{ ref('response_signatures') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by data_set_id, problem_id, signature, stimuli_signature
            order by implementation_id, run_id, environment_id
        ) as position
    from signatures

),

-- One run represents all runs that behaved alike. Another test checks that equal signatures mean equal behavior.
representatives as (

    select * from ranked
    where position = 1

),

sizes as (

    select
        data_set_id,
        problem_id,
        stimuli_signature,
        count(*) as n_contexts
    from representatives
    group by data_set_id, problem_id, stimuli_signature

),

-- Attempts repeat a stimulus within its run.
executed as (

    select distinct
        cube_rows.data_set_id,
        cube_rows.problem_id,
        representatives.stimuli_signature,
        cube_rows.implementation_id,
        cube_rows.environment_id,
        cube_rows.run_id,
        cube_rows.test_id,
        cube_rows.step_id
    from cube_rows
    inner join representatives
        on
            cube_rows.data_set_id = representatives.data_set_id
            and cube_rows.problem_id = representatives.problem_id
            and cube_rows.implementation_id = representatives.implementation_id
            and cube_rows.environment_id = representatives.environment_id
            and cube_rows.run_id = representatives.run_id

),

stimuli as (

    select
        data_set_id,
        problem_id,
        stimuli_signature,
        test_id,
        step_id,
        count(*) as n_executions
    from executed
    group by data_set_id, problem_id, stimuli_signature, test_id, step_id

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
            and stimuli.stimuli_signature = sizes.stimuli_signature
    where stimuli.n_executions <> sizes.n_contexts

)

select * from final

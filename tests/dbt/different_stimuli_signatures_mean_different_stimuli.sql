-- Runs of a problem that executed the same stimuli have the same signature of stimuli. Recomputed from the cube.

with

cube_rows as (

    select * from {{ ref('stimulus_response_cube') }}

),

signatures as (

    select * from {{ ref('response_signatures') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by data_set_id, problem_id, stimuli_signature
            order by implementation_id, run_id, environment_id
        ) as position
    from signatures

),

-- One run represents all runs with its signature. Another test checks that they are equal.
representatives as (

    select * from ranked
    where position = 1

),

stimuli as (

    select
        cube_rows.data_set_id,
        cube_rows.problem_id,
        representatives.stimuli_signature,
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
    where {{ obslake.is_executed('cube_rows.response_kind') }}
    group by
        cube_rows.data_set_id,
        cube_rows.problem_id,
        representatives.stimuli_signature,
        cube_rows.test_id,
        cube_rows.step_id

),

sheets as (

    select
        data_set_id,
        problem_id,
        stimuli_signature,
        array_sort(array_agg(concat_ws(':', cast(step_id as string), test_id))) as sheet
    from stimuli
    group by data_set_id, problem_id, stimuli_signature

),

final as (

    select
        data_set_id,
        problem_id,
        min(stimuli_signature) as stimuli_signature,
        max(stimuli_signature) as equal_stimuli_signature
    from sheets
    group by data_set_id, problem_id, sheet
    having count(*) > 1

)

select * from final

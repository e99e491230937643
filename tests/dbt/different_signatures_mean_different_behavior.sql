-- Runs of a problem that behaved alike have the same signature. Recomputed from the sorted responses in the cube.

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
            partition by data_set_id, problem_id, signature
            order by implementation_id, run_id, environment_id
        ) as position
    from signatures

),

-- One run represents all runs with its signature. Another test checks that they are equal.
representatives as (

    select * from ranked
    where position = 1

),

responses as (

    select
        cube_rows.data_set_id,
        cube_rows.problem_id,
        representatives.signature,
        cube_rows.test_id,
        cube_rows.step_id,
        max_by(cube_rows.response_hash, cube_rows.attempt) as response_hash
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
        representatives.signature,
        cube_rows.test_id,
        cube_rows.step_id

),

behaviors as (

    select
        data_set_id,
        problem_id,
        signature,
        array_sort(array_agg(concat_ws(':', response_hash, cast(step_id as string), test_id))) as behavior
    from responses
    group by data_set_id, problem_id, signature

),

final as (

    select
        data_set_id,
        problem_id,
        min(signature) as signature,
        max(signature) as equal_signature
    from behaviors
    group by data_set_id, problem_id, behavior
    having count(*) > 1

)

select * from final

-- The response with which each run of a stimulus ended: that of its last executed attempt.

with

actuations as (

    select * from {{ ref('int_actuations') }}
    where is_executed

),

ranked as (

    select
        *,
        row_number() over (
            partition by
                data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id
            order by attempt desc
        ) as recency
    from actuations

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        environment_id,
        run_id,
        operation,
        target,
        inputs,
        response,
        response_kind,
        response_hash,
        observed_at,
        is_oracle,
        md5(concat_ws(':', cast(step_id as string), test_id)) as stimulus_hash,
        md5(concat_ws(':', response_hash, cast(step_id as string), test_id)) as actuation_hash
    from ranked
    where recency = 1

)

select * from final

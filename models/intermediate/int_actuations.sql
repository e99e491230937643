-- Every actuation once, with its response in canonical form. Rows that say the same key twice are resolved by
-- what they say, never by the order in which they were loaded.

with

observations as (

    select * from {{ ref('stg_observations') }}

),

responses as (

    select
        *,
        {{ obslake.response_text('output', 'response_kind') }} as response,
        {{ obslake.is_executed('response_kind') }} as is_executed
    from observations

),

ranked as (

    select
        *,
        row_number() over (
            partition by
                data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id, attempt
            order by
                is_executed desc,
                observed_at desc,
                response desc,
                response_kind desc,
                operation desc nulls last,
                target desc nulls last,
                inputs desc nulls last,
                duration_ns desc nulls last
        ) as precedence
    from responses

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
        attempt,
        operation,
        target,
        inputs,
        response,
        response_kind,
        md5({{ obslake.canonical_response('response', 'response_kind') }}) as response_hash,
        duration_ns,
        observed_at,
        is_executed,
        implementation_id in ({{ obslake.quoted_list([var('obslake_oracle')]) }}) as is_oracle
    from ranked
    where precedence = 1

)

select * from final

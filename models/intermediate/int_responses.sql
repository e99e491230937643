-- Every row that was appended, with its response as a text and in canonical form.

{{ config(materialized='view') }}

with

observations as (

    select * from {{ obslake.in_this_database(ref('stg_observations')) }}

),

responses as (

    select
        *,
        {{ obslake.response_text('output', 'response_kind') }} as response
    from observations

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
        {{ obslake.is_executed('response_kind') }} as is_executed,
        implementation_id = {{ obslake.quoted(var('obslake_oracle')) }} as is_oracle
    from responses

)

select * from final

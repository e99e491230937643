-- Every appended row, with the latest name of its test, its response as a text and the hash of the canonical form.

{{ config(materialized='view') }}

with

observations as (

    select * from {{ obslake.relation_without_database(ref('stg_observations')) }}

),

texts as (

    select
        *,
        {{ obslake.response_text('output', 'response_kind') }} as response
    from observations

),

responses as (

    select
        *,
        -- DuckDB hashes a recorded text once for all rows that share it, but only if no other column takes part.
        case
            when output <> '' and response_kind <> 'verdict' then md5(output)
            else md5({{ obslake.canonical_response('response', 'response_kind') }})
        end as exact_hash
    from texts

),

-- Responses that rules of the problem make equal to other texts.
canonical_responses as (

    select * from {{ obslake.relation_without_database(ref('int_canonical_responses')) }}

),

renamed_tests as (

    select * from {{ obslake.relation_without_database(ref('refresh_renamed_tests')) }}

),

-- The tests that have rules of their own.
test_rules as (

    select * from {{ obslake.relation_without_database(ref('int_test_rules')) }}

),

final as (

    select
        responses.data_set_id,
        responses.problem_id,
        coalesce(renamed_tests.to_test_id, responses.test_id) as test_id,
        responses.step_id,
        responses.implementation_id,
        responses.environment_id,
        responses.run_id,
        responses.attempt,
        responses.operation,
        responses.target,
        responses.inputs,
        responses.response,
        responses.response_kind,
        coalesce(canonical_responses.response_hash, responses.exact_hash) as response_hash,
        responses.duration_ns,
        responses.observed_at,
        responses.test_content_hash,
        case
            when responses.implementation_id = {{ obslake.text_literal(var('obslake_oracle')) }}
                then nullif(responses.alternative, '')
        end as alternative,
        {{ obslake.is_executed('responses.response_kind') }} as is_executed,
        responses.implementation_id = {{ obslake.text_literal(var('obslake_oracle')) }} as is_oracle
    from responses
    left join renamed_tests
        on
            responses.data_set_id = renamed_tests.data_set_id
            and responses.problem_id = renamed_tests.problem_id
            and responses.test_id = renamed_tests.from_test_id
    left join test_rules
        on
            responses.data_set_id = test_rules.data_set_id
            and responses.problem_id = test_rules.problem_id
            and coalesce(renamed_tests.to_test_id, responses.test_id) = test_rules.test_id
    left join canonical_responses
        on
            responses.data_set_id = canonical_responses.data_set_id
            and responses.problem_id = canonical_responses.problem_id
            and responses.response_kind = canonical_responses.response_kind
            and responses.exact_hash = canonical_responses.exact_hash
            and coalesce(test_rules.test_pattern, '') = canonical_responses.test_pattern

)

select * from final

-- Consensus oracles show the first of the specified responses, and list the hashes of all of them.

with

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

specified_responses as (

    select * from {{ ref('specified_responses') }}

),

counted as (

    select
        oracles.data_set_id,
        oracles.problem_id,
        oracles.test_id,
        oracles.step_id,
        oracles.specified_response,
        oracles.specified_response_hash,
        oracles.specified_response_hashes,
        oracles.n_specified_responses,
        count(specified_responses.response_hash) as n_responses,
        max(case when specified_responses.is_first then specified_responses.response end) as first_response,
        max(case when specified_responses.is_first then specified_responses.response_hash end) as first_hash,
        sum(case
            when oracles.specified_response_hashes like '%' || specified_responses.response_hash || '%' then 1
            else 0
        end) as n_listed
    from oracles
    left join specified_responses
        on
            oracles.data_set_id = specified_responses.data_set_id
            and oracles.problem_id = specified_responses.problem_id
            and oracles.test_id = specified_responses.test_id
            and oracles.step_id = specified_responses.step_id
    group by
        oracles.data_set_id,
        oracles.problem_id,
        oracles.test_id,
        oracles.step_id,
        oracles.specified_response,
        oracles.specified_response_hash,
        oracles.specified_response_hashes,
        oracles.n_specified_responses

),

final as (

    select * from counted
    where
        n_specified_responses <> n_responses
        or n_listed <> n_responses
        or coalesce(specified_response, '') <> coalesce(first_response, '')
        or coalesce(specified_response_hash, '') <> coalesce(first_hash, '')
        or (specified_response is null) <> (n_responses = 0)
        -- Each hash has 32 characters, and blanks are between them.
        or length(coalesce(specified_response_hashes, '')) <> greatest(33 * n_responses - 1, 0)

)

select * from final

-- Both voting rules agree with the specified oracle exactly if their responses equal one of its responses in canonical
-- form; agreement is unknown if either is missing. The hash of a response comes from a cell of the matrix with this
-- response.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

specified_responses as (

    select * from {{ ref('specified_responses') }}

),

compared_hashes as (

    select
        oracles.data_set_id,
        oracles.problem_id,
        oracles.test_id,
        oracles.step_id,
        oracles.agrees_with_specified,
        oracles.cluster_agrees_with_specified,
        max(case when matrix.response = oracles.oracle_response then matrix.response_hash end) as oracle_hash,
        max(
            case when matrix.response = oracles.cluster_oracle_response then matrix.response_hash end
        ) as cluster_oracle_hash
    from oracles
    inner join matrix
        on
            oracles.data_set_id = matrix.data_set_id
            and oracles.problem_id = matrix.problem_id
            and oracles.test_id = matrix.test_id
            and oracles.step_id = matrix.step_id
    where
        oracles.specified_response is not null
        or oracles.agrees_with_specified is not null
        or oracles.cluster_agrees_with_specified is not null
    group by
        oracles.data_set_id,
        oracles.problem_id,
        oracles.test_id,
        oracles.step_id,
        oracles.agrees_with_specified,
        oracles.cluster_agrees_with_specified

),

expected as (

    select
        compared_hashes.data_set_id,
        compared_hashes.problem_id,
        compared_hashes.test_id,
        compared_hashes.step_id,
        compared_hashes.agrees_with_specified,
        compared_hashes.cluster_agrees_with_specified,
        max(case when compared_hashes.oracle_hash = specified_responses.response_hash then 1 else 0 end) = 1
            as is_specified,
        max(case when compared_hashes.cluster_oracle_hash = specified_responses.response_hash then 1 else 0 end) = 1
            as cluster_is_specified,
        max(compared_hashes.oracle_hash) is not null and count(specified_responses.response_hash) > 0 as is_known,
        max(compared_hashes.cluster_oracle_hash) is not null and count(specified_responses.response_hash) > 0
            as cluster_is_known
    from compared_hashes
    left join specified_responses
        on
            compared_hashes.data_set_id = specified_responses.data_set_id
            and compared_hashes.problem_id = specified_responses.problem_id
            and compared_hashes.test_id = specified_responses.test_id
            and compared_hashes.step_id = specified_responses.step_id
    group by
        compared_hashes.data_set_id,
        compared_hashes.problem_id,
        compared_hashes.test_id,
        compared_hashes.step_id,
        compared_hashes.agrees_with_specified,
        compared_hashes.cluster_agrees_with_specified

),

final as (

    select * from expected
    where
        agrees_with_specified is distinct from (case when is_known then is_specified end)
        or cluster_agrees_with_specified is distinct from (case when cluster_is_known then cluster_is_specified end)

)

select * from final

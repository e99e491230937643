-- Both voting rules agree with the specified oracle exactly if their responses equal it in canonical form; agreement is
-- unknown if either is missing. The hash of a response comes from a cell of the matrix with this response.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

oracles as (

    select * from {{ ref('consensus_oracles') }}

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
        ) as cluster_oracle_hash,
        max(case when matrix.response = oracles.specified_response then matrix.response_hash end) as specified_hash
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
        *,
        oracle_hash = specified_hash as expected_agreement,
        cluster_oracle_hash = specified_hash as expected_cluster_agreement
    from compared_hashes

),

final as (

    select * from expected
    where
        agrees_with_specified is distinct from expected_agreement
        or cluster_agrees_with_specified is distinct from expected_cluster_agreement

)

select * from final

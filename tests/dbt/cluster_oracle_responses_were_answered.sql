-- An implementation gave the response of the largest cluster to the same stimulus.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

answers as (

    select * from matrix
    where implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}

),

final as (

    select oracles.*
    from oracles
    left join answers
        on
            oracles.data_set_id = answers.data_set_id
            and oracles.problem_id = answers.problem_id
            and oracles.test_id = answers.test_id
            and oracles.step_id = answers.step_id
            and oracles.cluster_oracle_response = answers.response
    where oracles.cluster_oracle_response is not null and answers.response is null

)

select * from final

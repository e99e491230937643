-- A voter gave the winning response to the same stimulus.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

voters as (

    select * from {{ ref('behavior_cluster_members') }}
    where is_voter

),

ruled_votes as (

    select * from {{ ref('int_ruled_votes') }}

),

answers as (

    select
        matrix.data_set_id,
        matrix.problem_id,
        matrix.test_id,
        matrix.step_id,
        matrix.response
    from matrix
    inner join voters
        on
            matrix.data_set_id = voters.data_set_id
            and matrix.problem_id = voters.problem_id
            and matrix.implementation_id = voters.implementation_id
    left join ruled_votes
        on
            matrix.data_set_id = ruled_votes.data_set_id
            and matrix.problem_id = ruled_votes.problem_id
            and matrix.response_kind = ruled_votes.response_kind
            and matrix.response = ruled_votes.response
    where
        coalesce(
            ruled_votes.is_vote, matrix.response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})
        )

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
            and oracles.oracle_response = answers.response
    where oracles.oracle_response is not null and answers.response is null

)

select * from final

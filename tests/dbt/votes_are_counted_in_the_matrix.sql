-- Voters, votes, runner-up, distinct responses and entropy, counted again in the matrix: only voters
-- vote, only with responses to the current content of the stimulus that can vote, and separately for each stimulus.

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

candidates as (

    select
        matrix.data_set_id,
        matrix.problem_id,
        matrix.test_id,
        matrix.step_id,
        matrix.response_hash,
        count(*) as n_votes
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
        matrix.is_current_content
        and coalesce(
            ruled_votes.is_vote, matrix.response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})
        )
    group by matrix.data_set_id, matrix.problem_id, matrix.test_id, matrix.step_id, matrix.response_hash

),

totals as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        sum(n_votes) as n_voters,
        max(n_votes) as n_votes,
        count(*) as n_distinct_responses
    from candidates
    group by data_set_id, problem_id, test_id, step_id

),

counted as (

    select
        totals.data_set_id,
        totals.problem_id,
        totals.test_id,
        totals.step_id,
        totals.n_voters,
        totals.n_votes,
        totals.n_distinct_responses,
        case
            when sum(case when candidates.n_votes = totals.n_votes then 1 else 0 end) > 1 then totals.n_votes
            else max(case when candidates.n_votes < totals.n_votes then candidates.n_votes else 0 end)
        end as n_runner_up_votes,
        sum(
            candidates.n_votes / cast(totals.n_voters as double)
            * log2(totals.n_voters / cast(candidates.n_votes as double))
        ) as entropy
    from candidates
    inner join totals
        on
            candidates.data_set_id = totals.data_set_id
            and candidates.problem_id = totals.problem_id
            and candidates.test_id = totals.test_id
            and candidates.step_id = totals.step_id
    group by
        totals.data_set_id,
        totals.problem_id,
        totals.test_id,
        totals.step_id,
        totals.n_voters,
        totals.n_votes,
        totals.n_distinct_responses

),

final as (

    select
        oracles.data_set_id,
        oracles.problem_id,
        oracles.test_id,
        oracles.step_id,
        oracles.n_voters,
        counted.n_voters as n_voters_of_matrix,
        oracles.n_votes,
        counted.n_votes as n_votes_of_matrix,
        oracles.n_runner_up_votes,
        counted.n_runner_up_votes as n_runner_up_votes_of_matrix,
        oracles.n_distinct_responses,
        counted.n_distinct_responses as n_distinct_responses_of_matrix,
        oracles.entropy,
        counted.entropy as entropy_of_matrix
    from oracles
    left join counted
        on
            oracles.data_set_id = counted.data_set_id
            and oracles.problem_id = counted.problem_id
            and oracles.test_id = counted.test_id
            and oracles.step_id = counted.step_id
    where
        oracles.n_voters <> coalesce(counted.n_voters, 0)
        or oracles.n_votes <> coalesce(counted.n_votes, 0)
        or oracles.n_runner_up_votes <> coalesce(counted.n_runner_up_votes, 0)
        or oracles.n_distinct_responses <> coalesce(counted.n_distinct_responses, 0)
        or abs(coalesce(oracles.entropy, 0) - coalesce(counted.entropy, 0)) > 0.000002

)

select * from final

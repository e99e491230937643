-- The cluster oracle is the response of all clusters with the most voters to the current content of the stimulus. None
-- if they disagree, if one of them abstained, or if one of them did not answer this content. Recomputed from the marts.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

clusters as (

    select * from {{ ref('behavior_clusters') }}

),

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

ruled_votes as (

    select * from {{ ref('int_ruled_votes') }}

),

most_voters as (

    select
        data_set_id,
        problem_id,
        max(n_voters) as n_voters
    from clusters
    group by data_set_id, problem_id

),

leading_voters as (

    select
        members.data_set_id,
        members.problem_id,
        members.implementation_id,
        members.cluster_id
    from members
    inner join clusters
        on
            members.data_set_id = clusters.data_set_id
            and members.problem_id = clusters.problem_id
            and members.cluster_id = clusters.cluster_id
    inner join most_voters
        on
            clusters.data_set_id = most_voters.data_set_id
            and clusters.problem_id = most_voters.problem_id
            and clusters.n_voters = most_voters.n_voters
    where members.is_voter

),

cluster_counts as (

    select
        data_set_id,
        problem_id,
        count(distinct cluster_id) as n_leading_clusters
    from leading_voters
    group by data_set_id, problem_id

),

answers as (

    select
        matrix.data_set_id,
        matrix.problem_id,
        matrix.test_id,
        matrix.step_id,
        count(*) as n_answers,
        count(distinct leading_voters.cluster_id) as n_clusters,
        sum(
            case
                when
                    coalesce(
                        ruled_votes.is_vote,
                        matrix.response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})
                    )
                    then 0
                else 1
            end
        ) as n_abstaining,
        count(distinct matrix.response_hash) as n_distinct_responses,
        min(matrix.response) as least_response,
        max(matrix.response) as greatest_response
    from matrix
    inner join leading_voters
        on
            matrix.data_set_id = leading_voters.data_set_id
            and matrix.problem_id = leading_voters.problem_id
            and matrix.implementation_id = leading_voters.implementation_id
    left join ruled_votes
        on
            matrix.data_set_id = ruled_votes.data_set_id
            and matrix.problem_id = ruled_votes.problem_id
            and matrix.response_kind = ruled_votes.response_kind
            and matrix.response = ruled_votes.response
    where matrix.is_current_content
    group by matrix.data_set_id, matrix.problem_id, matrix.test_id, matrix.step_id

),

agreed as (

    select answers.*
    from answers
    inner join cluster_counts
        on
            answers.data_set_id = cluster_counts.data_set_id
            and answers.problem_id = cluster_counts.problem_id
            and answers.n_clusters = cluster_counts.n_leading_clusters
    where
        answers.n_distinct_responses = 1
        and answers.n_abstaining = 0

),

final as (

    select
        oracles.data_set_id,
        oracles.problem_id,
        oracles.test_id,
        oracles.step_id,
        oracles.cluster_oracle_response,
        agreed.least_response,
        agreed.greatest_response
    from oracles
    left join agreed
        on
            oracles.data_set_id = agreed.data_set_id
            and oracles.problem_id = agreed.problem_id
            and oracles.test_id = agreed.test_id
            and oracles.step_id = agreed.step_id
            and oracles.n_votes_needed <= agreed.n_answers
    where
        (oracles.cluster_oracle_response is null) <> (agreed.n_answers is null)
        or oracles.cluster_oracle_response < agreed.least_response
        or oracles.cluster_oracle_response > agreed.greatest_response

)

select * from final

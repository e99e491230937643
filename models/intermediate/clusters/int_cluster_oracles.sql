-- The response of the cluster with the most voters to each stimulus. If several clusters tie, only a response that all
-- of them gave counts.

with

leading_clusters as (

    select * from {{ obslake.stale_rows(ref('int_clusters')) }}
    where is_leading

),

votes as (

    select * from {{ obslake.stale_rows(ref('int_votes'), has_number=true) }}

),

cluster_counts as (

    select
        data_set_id,
        problem_id,
        count(*) as n_leading_clusters
    from leading_clusters
    group by data_set_id, problem_id

),

responses as (

    select
        votes.data_set_id,
        votes.problem_id,
        votes.test_id,
        votes.step_id,
        min(votes.response) as response,
        min(votes.response_hash) as response_hash,
        min(votes.response_hash) = max(votes.response_hash) as is_one_response,
        max(case when votes.is_vote then 0 else 1 end) = 0 as is_voted_by_all,
        count(*) as n_votes,
        count(distinct votes.cluster_id) as n_clusters
    from votes
    inner join leading_clusters
        on
            votes.data_set_id = leading_clusters.data_set_id
            and votes.problem_id = leading_clusters.problem_id
            and votes.cluster_id = leading_clusters.cluster_id
    group by votes.data_set_id, votes.problem_id, votes.test_id, votes.step_id

),

final as (

    select
        responses.data_set_id,
        responses.problem_id,
        responses.test_id,
        responses.step_id,
        responses.response,
        responses.response_hash,
        responses.n_votes
    from responses
    inner join cluster_counts
        on
            responses.data_set_id = cluster_counts.data_set_id
            and responses.problem_id = cluster_counts.problem_id
            and responses.n_clusters = cluster_counts.n_leading_clusters
    where
        responses.is_one_response
        and responses.is_voted_by_all

)

select * from final

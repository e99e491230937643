-- The counts of a vote are consistent: winner and runner-up have no more votes than there are voters, every distinct
-- response has a vote, the share is that of the winner, and the entropy is within its bounds.

with

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

final as (

    select * from oracles
    where
        n_votes + n_runner_up_votes > n_voters
        or n_runner_up_votes > n_votes
        or n_runner_up_votes < 0
        or (n_voters = 0) <> (n_votes = 0)
        or (n_voters = 0) <> (n_distinct_responses = 0)
        or (n_distinct_responses > 1) <> (n_runner_up_votes > 0)
        -- Each of the other responses has at least one vote, and at most as many as the runner-up.
        or n_distinct_responses > 2 + n_voters - n_votes - n_runner_up_votes
        or n_votes + n_runner_up_votes * (n_distinct_responses - 1) < n_voters
        or (n_voters = 0) <> (vote_share is null)
        or (n_voters = 0) <> (entropy is null)
        or abs(vote_share * n_voters - n_votes) > 0.000001
        or entropy < 0
        or (n_distinct_responses > 0 and entropy > log2(nullif(n_distinct_responses, 0)) + 0.000001)

)

select * from final

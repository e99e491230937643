-- A stimulus has an oracle response unless its vote is tied, there are no votes, or too few votes for one response.

with

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

final as (

    select * from oracles
    where
        (
            consensus in ('tie', 'no_votes')
            or n_votes < n_votes_needed
        ) <> (oracle_response is null)

)

select * from final

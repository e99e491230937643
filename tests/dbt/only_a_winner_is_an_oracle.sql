-- A tie has no winner, and neither has a stimulus without votes: no response is preferred by chance. All other classes
-- have one.

with

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

final as (

    select * from oracles
    where (consensus in ('tie', 'no_votes')) <> (oracle_response is null)

)

select * from final

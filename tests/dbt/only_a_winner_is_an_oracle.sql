-- A tie has no winner, and neither has a stimulus without votes, or with too few for one response: no response is
-- preferred by chance. All others have one.

with

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

final as (

    select * from oracles
    where
        (
            consensus in ('tie', 'no_votes')
            or n_votes < {{ obslake.checked_variable('obslake_minimal_support') }}
        ) <> (oracle_response is null)

)

select * from final

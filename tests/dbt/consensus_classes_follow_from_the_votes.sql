-- The class of a consensus follows from its counts.

with

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

expected as (

    select
        *,
        case
            when n_voters = 0 then 'no_votes'
            when n_votes = n_voters then 'unanimous'
            when n_votes > n_voters - n_votes then 'majority'
            when n_votes = n_runner_up_votes then 'tie'
            else 'plurality'
        end as expected_consensus
    from oracles

),

final as (

    select * from expected
    where consensus <> expected_consensus

)

select * from final

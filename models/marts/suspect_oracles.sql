-- Stimuli whose specified response may be wrong because the votes contradict it, with the evidence.

with

oracles as (

    select * from {{ obslake.stale_rows(ref('consensus_oracles')) }}
    where not agrees_with_specified

),

votes as (

    select * from {{ obslake.stale_rows(ref('int_votes'), has_number=true) }}
    where is_vote

),

-- A cluster that is only the largest of many small ones accuses nobody.
majorities as (

    select
        data_set_id,
        problem_id
    from {{ obslake.stale_rows(ref('int_clusters')) }}
    group by data_set_id, problem_id
    having 2 * max(n_voters) > sum(n_voters)

),

cells as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true) }}
    where not is_oracle

),

sides as (

    select
        oracles.data_set_id,
        oracles.problem_id,
        oracles.test_id,
        oracles.step_id,
        cast(sum(case
            when {{ obslake.is_specified('votes.response_hash', 'oracles.specified_response_hashes') }} then 1
            else 0
        end) as bigint) as n_specified_votes,
        cast(sum(case when votes.response_hash = oracles.cluster_oracle_response_hash then 1 else 0 end) as bigint)
            as n_cluster_oracle_votes,
        min(case
            when {{ obslake.is_specified('votes.response_hash', 'oracles.specified_response_hashes') }}
                then votes.implementation_id
        end) as specified_implementation_id,
        min(case when votes.response_hash = oracles.oracle_response_hash then votes.implementation_id end)
            as differing_implementation_id
    from oracles
    inner join votes
        on
            oracles.data_set_id = votes.data_set_id
            and oracles.problem_id = votes.problem_id
            and oracles.test_id = votes.test_id
            and oracles.step_id = votes.step_id
    group by oracles.data_set_id, oracles.problem_id, oracles.test_id, oracles.step_id

),

final as (

    select
        oracles.data_set_id,
        oracles.problem_id,
        oracles.test_id,
        oracles.step_id,
        cells.operation,
        cells.inputs,
        case
            when not oracles.cluster_agrees_with_specified and majorities.problem_id is not null then 'both'
            else 'consensus'
        end as accused_by,
        oracles.specified_response,
        oracles.n_specified_responses,
        oracles.oracle_response,
        oracles.consensus,
        oracles.n_voters,
        oracles.n_votes,
        oracles.vote_share,
        oracles.cluster_oracle_response,
        sides.n_cluster_oracle_votes,
        sides.n_specified_votes,
        sides.differing_implementation_id,
        sides.specified_implementation_id
    from oracles
    inner join sides
        on
            oracles.data_set_id = sides.data_set_id
            and oracles.problem_id = sides.problem_id
            and oracles.test_id = sides.test_id
            and oracles.step_id = sides.step_id
    inner join cells
        on
            sides.data_set_id = cells.data_set_id
            and sides.problem_id = cells.problem_id
            and sides.test_id = cells.test_id
            and sides.step_id = cells.step_id
            and sides.differing_implementation_id = cells.implementation_id
    left join majorities
        on
            oracles.data_set_id = majorities.data_set_id
            and oracles.problem_id = majorities.problem_id

)

select * from final

-- Which implementations are always outvoted? The share of votes in which each one disagreed with the consensus.

with

examples as (

    select * from {{ ref('training_examples') }}
    -- Two voters that disagree tie, so neither is outvoted.
    where is_voter and n_voters > 2 and agrees_with_consensus is not null

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        cluster_rank,
        count(*) as n_decided,
        sum(case when agrees_with_consensus then 0 else 1 end) as n_outvoted,
        avg(case when agrees_with_consensus then 0.0 else 1.0 end) as outvoted_share
    from examples
    group by data_set_id, problem_id, implementation_id, cluster_rank

)

select * from final
order by outvoted_share desc, n_outvoted desc, data_set_id asc, problem_id asc, implementation_id asc

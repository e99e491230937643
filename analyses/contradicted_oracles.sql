-- Which specified responses does a clear majority contradict? The label may be wrong, or many may share an error.

with

oracles as (

    select * from {{ ref('consensus_oracles') }}
    where not agrees_with_specified and n_voters > 2 and vote_share >= 0.75

),

cells as (

    select * from {{ ref('training_examples') }}

),

final as (

    select
        oracles.data_set_id,
        oracles.problem_id,
        oracles.test_id,
        oracles.step_id,
        min(cells.inputs) as inputs,
        oracles.specified_response,
        oracles.oracle_response,
        oracles.n_votes,
        oracles.n_voters,
        sum(case when cells.agrees_with_specified then 1 else 0 end) as n_as_specified,
        min(case when cells.agrees_with_specified then cells.implementation_id end) as one_as_specified
    from oracles
    inner join cells
        on
            oracles.data_set_id = cells.data_set_id
            and oracles.problem_id = cells.problem_id
            and oracles.test_id = cells.test_id
            and oracles.step_id = cells.step_id
    group by
        oracles.data_set_id,
        oracles.problem_id,
        oracles.test_id,
        oracles.step_id,
        oracles.specified_response,
        oracles.oracle_response,
        oracles.n_votes,
        oracles.n_voters

)

select * from final
order by n_votes desc, data_set_id asc, problem_id asc, test_id asc, step_id asc

-- Which inputs divide the implementations most? Every response to them, with the number of implementations.

with

oracles as (

    select * from {{ ref('consensus_oracles') }}
    where n_distinct_responses > 1

),

ranked as (

    select
        *,
        row_number() over (
            partition by data_set_id, problem_id
            order by entropy desc, test_id asc, step_id asc
        ) as divisiveness
    from oracles

),

cells as (

    select * from {{ ref('training_examples') }}
    where is_voter

),

final as (

    select
        ranked.data_set_id,
        ranked.problem_id,
        ranked.test_id,
        ranked.step_id,
        ranked.entropy,
        cells.inputs,
        cells.response,
        count(*) as n_implementations,
        min(cells.implementation_id) as one_of_them
    from ranked
    inner join cells
        on
            ranked.data_set_id = cells.data_set_id
            and ranked.problem_id = cells.problem_id
            and ranked.test_id = cells.test_id
            and ranked.step_id = cells.step_id
    where ranked.divisiveness <= 3
    group by
        ranked.data_set_id,
        ranked.problem_id,
        ranked.test_id,
        ranked.step_id,
        ranked.entropy,
        cells.inputs,
        cells.response

)

select * from final
order by
    entropy desc, data_set_id asc, problem_id asc, test_id asc, step_id asc, n_implementations desc, response asc

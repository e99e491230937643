-- Every stimulus of the matrix has one row of oracles, even without votes, and there are no other rows.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

both_sides as (

    select distinct
        data_set_id,
        problem_id,
        test_id,
        step_id,
        1 as n_stimuli,
        0 as n_oracles
    from matrix
    union all
    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        0 as n_stimuli,
        1 as n_oracles
    from oracles

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        sum(n_stimuli) as n_stimuli,
        sum(n_oracles) as n_oracles
    from both_sides
    group by data_set_id, problem_id, test_id, step_id
    having sum(n_stimuli) <> 1 or sum(n_oracles) <> 1

)

select * from final

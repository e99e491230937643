-- The tests are exactly those of the matrix, with their numbers of steps and implementations.

with

tests as (

    select * from {{ ref('tests') }}

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

both_sides as (

    select
        data_set_id,
        problem_id,
        test_id,
        n_steps,
        n_implementations,
        0 as n_steps_of_matrix,
        0 as n_implementations_of_matrix
    from tests
    union all
    select
        data_set_id,
        problem_id,
        test_id,
        0 as n_steps,
        0 as n_implementations,
        count(distinct step_id) as n_steps_of_matrix,
        count(
            distinct nullif(implementation_id, {{ obslake.text_literal(var('obslake_oracle')) }})
        ) as n_implementations_of_matrix
    from matrix
    group by data_set_id, problem_id, test_id

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        sum(n_steps) as n_steps,
        sum(n_steps_of_matrix) as n_steps_of_matrix,
        sum(n_implementations) as n_implementations,
        sum(n_implementations_of_matrix) as n_implementations_of_matrix
    from both_sides
    group by data_set_id, problem_id, test_id
    having
        sum(n_steps) <> sum(n_steps_of_matrix)
        or sum(n_implementations) <> sum(n_implementations_of_matrix)

)

select * from final

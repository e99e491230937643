-- The specified responses are exactly the column of the specified oracle in the matrix.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

both_sides as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        response,
        1 as n_cells,
        0 as n_specified
    from matrix
    where
        implementation_id = {{ obslake.text_literal(var('obslake_oracle')) }}
        and response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})
    union all
    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        specified_response as response,
        0 as n_cells,
        1 as n_specified
    from oracles
    where specified_response is not null

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        response,
        sum(n_cells) as n_cells,
        sum(n_specified) as n_specified
    from both_sides
    group by data_set_id, problem_id, test_id, step_id, response
    having sum(n_cells) <> sum(n_specified)

)

select * from final

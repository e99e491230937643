-- The implementations are exactly the columns of the matrix, without the specified oracle, with their lengths.

with

implementations as (

    select * from {{ ref('implementations') }}

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

both_sides as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        n_stimuli,
        0 as n_cells
    from implementations
    union all
    select
        data_set_id,
        problem_id,
        implementation_id,
        0 as n_stimuli,
        count(*) as n_cells
    from matrix
    where implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}
    group by data_set_id, problem_id, implementation_id

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        sum(n_stimuli) as n_stimuli,
        sum(n_cells) as n_cells
    from both_sides
    group by data_set_id, problem_id, implementation_id
    having sum(n_stimuli) <> sum(n_cells)

)

select * from final

-- The cells of representatives only: results that are the same for equal columns are computed from these few cells.

with

representatives as (

    select * from {{ obslake.stale_rows(ref('int_representatives')) }}
    where implementation_id = representative_implementation_id

),

cells as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true) }}

),

final as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.test_id,
        cells.step_id,
        cells.implementation_id,
        representatives.cluster_rank,
        representatives.is_exemplar,
        cells.response_hash,
        {{ obslake.is_right_verdict('cells.response_kind', 'cells.response') }} as is_right_verdict,
        cells.problem_no
    from cells
    inner join representatives
        on
            cells.data_set_id = representatives.data_set_id
            and cells.problem_id = representatives.problem_id
            and cells.implementation_id = representatives.implementation_id

)

select * from final

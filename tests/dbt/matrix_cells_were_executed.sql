-- A cell that was never executed has no row in the matrix: it is never a response.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

final as (

    select * from matrix
    where not ({{ obslake.is_executed('response_kind') }})

)

select * from final

-- A stimulus that was never executed has no row in the matrix.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

final as (

    select * from matrix
    where not ({{ obslake.is_executed('response_kind') }})

)

select * from final

-- Implementations that were observed, with their source code and origin where known.

with

final as (

    select * from {{ ref('int_implementations') }}

)

select * from final

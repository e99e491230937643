-- Tests that were executed, with their stimulus sheets where known.

with

final as (

    select * from {{ ref('int_tests') }}

)

select * from final

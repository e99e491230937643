-- Tests that were executed, with their stimulus sheets, if known.

with

final as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_tests'))) }}

)

select * from final

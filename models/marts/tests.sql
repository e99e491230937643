-- Tests that were executed, with their stimulus sheets where known.

{{ config(materialized='view') }}

with

final as (

    select * from {{ obslake.in_this_database(ref('int_tests')) }}

)

select * from final

-- Implementations that were observed, with their source code and origin where known.

{{ config(materialized='view') }}

with

final as (

    select * from {{ obslake.in_this_database(ref('int_implementations')) }}

)

select * from final

-- The dates of revisions, as they were described: those of an implementation, or of a revision of a lineage where the
-- description names no implementation.
--
-- It is stored for the functions, which cannot read the tables of the lakehouse.

{{ config(materialized='table') }}

with

descriptions as (

    select * from {{ ref('stg_implementations') }}

),

final as (

    select
        data_set_id,
        implementation_id,
        lineage,
        revision,
        revised_at,
        load_id
    from descriptions
    where revised_at is not null

)

select * from final

-- Runs in their environments, with commit, branch, pipeline and further attributes, if known.

with

final as (

    select * from {{ obslake.relation_without_database(ref('int_runs')) }}

)

select * from final

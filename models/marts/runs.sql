-- Runs in their environments, with commit, branch, pipeline and further attributes where known.

with

final as (

    select * from {{ ref('int_runs') }}

)

select * from final

-- Every decision names a run, says whether it is set aside, and why; none is repeated.

with

faults as (

    {{ obslake.faulty_runs_set_aside(ref('stg_runs_set_aside')) | indent(4) }}

),

final as (

    select * from faults

)

select * from final

-- Every decision on a run matches a run. A warning, because the run may be loaded later.

{{ config(severity='warn') }}

with

unknown as (

    {{ obslake.unknown_runs_set_aside(ref('stg_runs_set_aside'), ref('int_run_failures')) | indent(4) }}

),

final as (

    select * from unknown

)

select * from final

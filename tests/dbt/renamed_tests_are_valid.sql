-- Every row has two different names; no test is renamed twice, or to a name that is renamed again.

with

faults as (

    {{ obslake.faulty_renamed_tests(ref('stg_renamed_tests')) | indent(4) }}

),

final as (

    select * from faults

)

select * from final

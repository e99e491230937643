-- Every rule is known, has a valid argument, and is not repeated; `exact` excludes other rules.

with

faults as (

    {{ obslake.faulty_response_equivalences(ref('stg_response_equivalences')) | indent(4) }}

),

final as (

    select * from faults

)

select * from final

-- Every rule is known, has an argument that it understands, and stands once; nothing stands beside `exact`.

with

faults as (

    {{ obslake.faulty_response_equivalences(ref('stg_response_equivalences')) | indent(4) }}

),

final as (

    select * from faults

)

select * from final

-- Every rule is known, has a valid argument, is not repeated, and no other rule says the opposite.

with

faults as (

    {{ obslake.faulty_voting_rules(ref('stg_voting_rules')) | indent(4) }}

),

final as (

    select * from faults

)

select * from final

-- Rules by which responses are equal, as somebody wrote them down.

with

stored as (

    {{ obslake.stage_source('response_equivalences', [
        {'name': 'data_set_id', 'type': 'string'},
        {'name': 'problem_id', 'type': 'string'},
        {'name': 'rule', 'type': 'string', 'is_needed': true},
        {'name': 'argument', 'type': 'string'},
    ]) | indent(4) }}

),

-- Some readers of CSV take an empty field for a null, some for an empty text.
final as (

    select
        nullif(data_set_id, '') as data_set_id,
        nullif(problem_id, '') as problem_id,
        nullif(rule, '') as rule,
        nullif(argument, '') as argument
    from stored

)

select * from final

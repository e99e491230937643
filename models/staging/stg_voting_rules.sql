-- Rules that decide who votes, as the user wrote them.

with

stored as (

    {{ obslake.stage_source('voting_rules', [
        {'name': 'data_set_id', 'type': 'string'},
        {'name': 'problem_id', 'type': 'string'},
        {'name': 'rule', 'type': 'string', 'is_needed': true},
        {'name': 'argument', 'type': 'string'},
    ]) | indent(4) }}

),

-- Some CSV readers read an empty field as a null, others as an empty text.
final as (

    select
        nullif(data_set_id, '') as data_set_id,
        nullif(problem_id, '') as problem_id,
        nullif(rule, '') as rule,
        nullif(argument, '') as argument
    from stored

)

select * from final

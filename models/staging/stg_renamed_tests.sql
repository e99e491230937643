-- Tests that got another name, as the user wrote them.

with

stored as (

    {{ obslake.stage_source('renamed_tests', [
        {'name': 'data_set_id', 'type': 'string'},
        {'name': 'problem_id', 'type': 'string'},
        {'name': 'from_test_id', 'type': 'string', 'is_needed': true},
        {'name': 'to_test_id', 'type': 'string', 'is_needed': true},
    ]) | indent(4) }}

),

-- Some CSV readers read an empty field as a null, others as an empty text.
final as (

    select
        nullif(data_set_id, '') as data_set_id,
        nullif(problem_id, '') as problem_id,
        nullif(from_test_id, '') as from_test_id,
        nullif(to_test_id, '') as to_test_id
    from stored

)

select * from final

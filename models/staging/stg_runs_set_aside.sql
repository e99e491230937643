-- Decisions on runs, as the user wrote them.

with

stored as (

    {{ obslake.stage_source('runs_set_aside', [
        {'name': 'data_set_id', 'type': 'string'},
        {'name': 'run_id', 'type': 'string', 'is_needed': true},
        {'name': 'environment_id', 'type': 'string'},
        {'name': 'is_set_aside', 'type': 'string', 'is_needed': true},
        {'name': 'reason', 'type': 'string'},
    ]) | indent(4) }}

),

-- Some CSV readers read an empty field as a null, others as an empty text.
final as (

    select
        nullif(data_set_id, '') as data_set_id,
        nullif(run_id, '') as run_id,
        nullif(environment_id, '') as environment_id,
        lower(nullif(is_set_aside, '')) as is_set_aside,
        nullif(reason, '') as reason
    from stored

)

select * from final

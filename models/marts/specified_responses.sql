-- What is right by the specified oracle: one or several responses to a stimulus.

with

specified as (

    select * from {{ obslake.stale_rows(
        obslake.read_by_number(obslake.relation_without_database(ref('int_specified_responses')))
    ) }}

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        alternative,
        response,
        response_kind,
        response_hash,
        is_first
    from specified

)

select * from final

-- The SRM: the response of each implementation to each stimulus, in the latest run that executed it.

with

cells as (

    select * from {{ obslake.stale_rows(
        obslake.read_by_number(obslake.relation_without_database(ref('int_actuations')))
    ) }}
    where is_cell

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        operation,
        target,
        inputs,
        response,
        response_kind,
        response_hash,
        run_id,
        environment_id,
        observed_at,
        n_runs,
        is_stable
    from cells

)

select * from final

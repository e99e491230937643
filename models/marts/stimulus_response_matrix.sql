-- The SRM: the response of each implementation to each stimulus, in the latest run that executed it.

with

cells as (

    select * from {{ obslake.stale_rows(
        obslake.read_by_number(obslake.relation_without_database(ref('int_actuations')))
    ) }}
    where is_cell

),

other_contents as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_other_contents'))) }}

),

final as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.test_id,
        cells.step_id,
        cells.implementation_id,
        cells.operation,
        cells.target,
        cells.inputs,
        cells.response,
        cells.response_kind,
        cells.response_hash,
        cells.run_id,
        cells.environment_id,
        cells.observed_at,
        cells.n_runs,
        cells.is_stable,
        other_contents.implementation_id is null as is_current_content
    from cells
    left join other_contents
        on
            cells.problem_no = other_contents.problem_no
            and cells.data_set_id = other_contents.data_set_id
            and cells.problem_id = other_contents.problem_id
            and cells.test_id = other_contents.test_id
            and cells.step_id = other_contents.step_id
            and cells.implementation_id = other_contents.implementation_id

)

select * from final

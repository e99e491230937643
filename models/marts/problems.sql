-- Every problem that was observed, with the size of what is known of it.

with

run_columns as (

    select * from {{ obslake.stale_rows(ref('int_run_signatures')) }}

),

final as (

    select
        data_set_id,
        problem_id,
        count(distinct case when n_steps > 0 and not is_oracle and not is_set_aside then implementation_id end)
            as n_implementations,
        count(distinct environment_id) as n_environments,
        count(distinct run_id) as n_runs,
        cast(sum(n_actuations) as bigint) as n_actuations
    from run_columns
    group by data_set_id, problem_id

)

select * from final

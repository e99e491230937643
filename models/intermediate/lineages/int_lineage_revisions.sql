-- The ordered revisions of each lineage that ran a problem in an environment, each with its predecessor.

with

run_columns as (

    select * from {{ obslake.stale_rows(ref('int_run_signatures')) }}
    where n_steps > 0 and not is_oracle

),

implementations as (

    select * from {{ obslake.stale_rows(ref('int_implementations')) }}
    where lineage is not null

),

revisions as (

    select
        implementations.data_set_id,
        implementations.problem_id,
        implementations.lineage,
        run_columns.environment_id,
        implementations.implementation_id,
        implementations.revision,
        -- A revision without a date is as old as its first execution in the environment.
        coalesce(implementations.revised_at, min(run_columns.first_executed_at)) as revised_at
    from implementations
    inner join run_columns
        on
            implementations.data_set_id = run_columns.data_set_id
            and implementations.problem_id = run_columns.problem_id
            and implementations.implementation_id = run_columns.implementation_id
    group by
        implementations.data_set_id,
        implementations.problem_id,
        implementations.lineage,
        run_columns.environment_id,
        implementations.implementation_id,
        implementations.revision,
        implementations.revised_at

),

final as (

    select
        data_set_id,
        problem_id,
        lineage,
        environment_id,
        implementation_id,
        revision,
        revised_at,
        cast(row_number() over (
            partition by data_set_id, problem_id, lineage, environment_id
            order by revised_at asc, implementation_id asc
        ) as bigint) as revision_rank,
        lag(implementation_id) over (
            partition by data_set_id, problem_id, lineage, environment_id
            order by revised_at asc, implementation_id asc
        ) as previous_implementation_id
    from revisions

)

select * from final

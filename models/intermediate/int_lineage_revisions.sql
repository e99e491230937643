-- The revisions of each lineage that ran a problem in an environment, in their order, each with the one before.

with

cells as (

    select * from {{ obslake.stale_rows(ref('int_lineage_cells')) }}

),

revisions as (

    select
        data_set_id,
        problem_id,
        lineage,
        environment_id,
        implementation_id,
        revision,
        -- Where nobody said when a revision was made, it is as old as its first observation there.
        coalesce(revised_at, min(observed_at)) as revised_at
    from cells
    group by data_set_id, problem_id, lineage, environment_id, implementation_id, revision, revised_at

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

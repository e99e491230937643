-- The revisions of each lineage that ran a problem in an environment, each with its place among all revisions of the
-- lineage: revisions that ran different problems or environments have one order, too.

with

revisions as (

    select
        *,
        case
            when revision is null then 'implementation ' || implementation_id
            else 'revision ' || revision
        end as revision_id
    from {{ obslake.relation_without_database(ref('int_lineage_revisions')) }}

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
        cast(dense_rank() over (
            partition by data_set_id, lineage
            order by revised_at asc, first_implementation_id asc, revision_id asc
        ) as bigint) as place,
        revision_rank,
        run_id,
        first_executed_at
    from revisions

)

select * from final

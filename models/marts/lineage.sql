-- The cube along a lineage: tests by revisions, per environment.

with

cells as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_lineage_cells'))) }}
    where is_executed

),

revisions as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_lineage_revisions'))) }}

),

final as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.lineage,
        cells.environment_id,
        cells.test_id,
        cells.step_id,
        cells.implementation_id,
        revisions.revision_rank,
        cells.revision,
        revisions.revised_at,
        cells.operation,
        cells.inputs,
        cells.content_hash,
        cells.response,
        cells.response_kind,
        cells.response_hash,
        cells.is_right,
        cells.run_id,
        cells.observed_at
    from cells
    inner join revisions
        on
            cells.data_set_id = revisions.data_set_id
            and cells.problem_id = revisions.problem_id
            and cells.lineage = revisions.lineage
            and cells.environment_id = revisions.environment_id
            and cells.implementation_id = revisions.implementation_id

)

select * from final

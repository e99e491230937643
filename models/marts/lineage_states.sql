-- What became of each stimulus in each revision of a lineage and each environment, whether it was executed or skipped.

{%- set column = ['data_set_id', 'problem_id', 'lineage', 'environment_id', 'implementation_id'] %}

with

cells as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_lineage_cells'))) }}

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
        cells.stimulus_id,
        cells.implementation_id,
        revisions.revision,
        revisions.revision_rank,
        cells.run_id,
        cells.observed_at,
        cells.operation,
        cells.inputs,
        cells.content_hash,
        cells.test_content_hash,
        cells.is_executed,
        cells.response,
        cells.response_kind,
        cells.response_hash,
        cells.is_right
    from cells
    inner join revisions
        on {{ obslake.equal_columns('cells', 'revisions', column) | indent(12) }}

)

select * from final

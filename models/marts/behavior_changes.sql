-- Responses that changed from one revision of a lineage to the next in one environment.

{{ config(meta={'unit': 'column', 'ordered_by': 'int_lineage_revisions'}) }}

with

cells as (

    select * from {{ obslake.stale_rows(ref('int_lineage_cells')) }}

),

revisions as (

    select * from {{ obslake.stale_rows(ref('int_lineage_revisions')) }}
    where previous_implementation_id is not null

),

{%- if obslake.builds_stale_only() and obslake.builds_columns() %}

    -- The previous revisions need not be stale. The engine uses their ids to skip all others.
    previous_ids as (

        select distinct
            data_set_id,
            problem_id,
            previous_implementation_id as implementation_id
        from revisions

    ),

    previous_cells as (

        select cells.*
        from {{ ref('int_lineage_cells') }} as cells
        inner join previous_ids
            on
                cells.data_set_id = previous_ids.data_set_id
                and cells.problem_id = previous_ids.problem_id
                and cells.implementation_id = previous_ids.implementation_id

    ),
{%- else %}

    previous_cells as (

        select * from cells

    ),
{%- endif %}

-- The stimuli of each revision, and those of the revision before it.
sides as (

    select
        revisions.data_set_id,
        revisions.problem_id,
        revisions.lineage,
        revisions.environment_id,
        revisions.implementation_id,
        revisions.previous_implementation_id,
        revisions.revision_rank,
        cells.test_id,
        cells.step_id,
        'after' as side,
        cells.operation,
        cells.inputs,
        cells.response,
        cells.response_hash,
        cells.is_right,
        cells.run_id,
        cells.observed_at
    from revisions
    inner join cells
        on
            revisions.data_set_id = cells.data_set_id
            and revisions.problem_id = cells.problem_id
            and revisions.lineage = cells.lineage
            and revisions.environment_id = cells.environment_id
            and revisions.implementation_id = cells.implementation_id
    union all
    select
        revisions.data_set_id,
        revisions.problem_id,
        revisions.lineage,
        revisions.environment_id,
        revisions.implementation_id,
        revisions.previous_implementation_id,
        revisions.revision_rank,
        previous_cells.test_id,
        previous_cells.step_id,
        'before' as side,
        previous_cells.operation,
        previous_cells.inputs,
        previous_cells.response,
        previous_cells.response_hash,
        previous_cells.is_right,
        previous_cells.run_id,
        previous_cells.observed_at
    from revisions
    inner join previous_cells
        on
            revisions.data_set_id = previous_cells.data_set_id
            and revisions.problem_id = previous_cells.problem_id
            and revisions.lineage = previous_cells.lineage
            and revisions.environment_id = previous_cells.environment_id
            and revisions.previous_implementation_id = previous_cells.implementation_id

),

compared as (

    select
        data_set_id,
        problem_id,
        lineage,
        environment_id,
        implementation_id,
        previous_implementation_id,
        revision_rank,
        test_id,
        step_id,
        coalesce(
            max(case when side = 'after' then operation end), max(case when side = 'before' then operation end)
        ) as operation,
        coalesce(
            max(case when side = 'after' then inputs end), max(case when side = 'before' then inputs end)
        ) as inputs,
        max(case when side = 'before' then response end) as previous_response,
        max(case when side = 'after' then response end) as response,
        max(case when side = 'before' then response_hash end) as previous_response_hash,
        max(case when side = 'after' then response_hash end) as response_hash,
        max(case when side = 'before' then case when is_right then 1 when not is_right then 0 end end) as was_right,
        max(case when side = 'after' then case when is_right then 1 when not is_right then 0 end end) as is_right,
        max(case when side = 'before' then run_id end) as previous_run_id,
        max(case when side = 'after' then run_id end) as run_id,
        max(case when side = 'after' then observed_at end) as observed_at
    from sides
    group by
        data_set_id,
        problem_id,
        lineage,
        environment_id,
        implementation_id,
        previous_implementation_id,
        revision_rank,
        test_id,
        step_id

),

final as (

    select
        data_set_id,
        problem_id,
        lineage,
        environment_id,
        test_id,
        step_id,
        implementation_id,
        previous_implementation_id,
        revision_rank,
        case
            when previous_response_hash is null then 'new'
            when response_hash is null then 'gone'
            when was_right = 0 and is_right = 1 then 'fixed'
            when was_right = 1 and is_right = 0 then 'regressed'
            when was_right = 0 and is_right = 0 then 'changed, both wrong'
            else 'changed'
        end as change,
        operation,
        inputs,
        previous_response,
        response,
        previous_run_id,
        run_id,
        observed_at
    from compared
    where previous_response_hash is null or response_hash is null or previous_response_hash <> response_hash

)

select * from final

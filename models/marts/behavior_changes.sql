-- What changed with each revision of a lineage in one environment, compared with the last executed response to the same
-- stimulus.
--
-- In each revision a stimulus was executed, skipped or absent. The narrow rows of all are put in order; only those that
-- may be changes are joined with their responses.

{{ config(meta={'unit': 'column', 'ordered_by': 'int_lineage_revisions'}) }}

{%- set lineage = ['data_set_id', 'problem_id', 'lineage', 'environment_id'] %}
{%- set stimulus = lineage + ['test_id', 'stimulus_id'] %}
{%- set before = 'order by revision_rank rows between unbounded preceding and 1 preceding' %}

with

{%- if obslake.builds_stale_only() and obslake.builds_columns() %}

    revisions as (

        select * from {{ obslake.stale_rows(ref('int_lineage_revisions'), whole=true) }}

    ),

    stale_revisions as (

        select * from {{ obslake.stale_rows(ref('int_lineage_revisions')) }}

    ),

    first_ranks as (

        select
            {{ lineage | join(',\n            ') }},
            min(revision_rank) as first_rank
        from stale_revisions
        group by {{ lineage | join(', ') }}

    ),

    -- The stale revisions, and the one before them.
    near_revisions as (

        select
            revisions.*,
            first_ranks.first_rank
        from revisions
        inner join first_ranks
            on
                {{ obslake.equal_columns('revisions', 'first_ranks', lineage) | indent(16) }}
                and revisions.revision_rank >= first_ranks.first_rank - 1

    ),

    -- A column on its own, which the engine compares while it reads: to join by all columns, it has to read all rows.
    cells_of_near_ids as (

        select * from {{ ref('int_lineage_cells') }}
        where implementation_id in (select near_revisions.implementation_id from near_revisions)

    ),

    near_cells as (

        select
            cells.*,
            near_revisions.revision_rank,
            near_revisions.first_rank
        from cells_of_near_ids as cells
        inner join near_revisions
            on {{ obslake.equal_columns('cells', 'near_revisions', lineage + ['implementation_id']) | indent(16) }}

    ),

    -- The response to compare with may be older if the revision before did not execute the stimulus.
    loose_stimuli as (

        select {{ stimulus | join(', ') }}
        from near_cells
        where first_rank > 2
        group by {{ stimulus | join(', ') }}
        having max(case when is_executed and revision_rank < first_rank then 1 else 0 end) = 0

    ),

    cells_of_loose_tests as (

        select * from {{ ref('int_lineage_cells') }}
        where test_id in (select loose_stimuli.test_id from loose_stimuli)

    ),

    earlier_cells as (

        select
            cells.*,
            revisions.revision_rank,
            first_ranks.first_rank
        from cells_of_loose_tests as cells
        inner join loose_stimuli
            on {{ obslake.equal_columns('cells', 'loose_stimuli', stimulus) | indent(16) }}
        inner join revisions
            on {{ obslake.equal_columns('cells', 'revisions', lineage + ['implementation_id']) | indent(16) }}
        inner join first_ranks
            on
                {{ obslake.equal_columns('revisions', 'first_ranks', lineage) | indent(16) }}
                and revisions.revision_rank < first_ranks.first_rank - 1

    ),

    cells as (

        select * from near_cells
        union all
        select * from earlier_cells

    ),
{%- else %}

    revisions as (

        select * from {{ obslake.stale_rows(ref('int_lineage_revisions')) }}

    ),

    stale_revisions as (

        select * from revisions

    ),

    cells as (

        select
            cells.*,
            revisions.revision_rank
        from {{ obslake.stale_rows(ref('int_lineage_cells')) }} as cells
        inner join revisions
            on {{ obslake.equal_columns('cells', 'revisions', lineage + ['implementation_id']) | indent(16) }}

    ),
{%- endif %}

ordered as (

    select
        {{ stimulus | join(',\n        ') }},
        step_id,
        revision_rank,
        response_hash,
        is_executed,
        lag(revision_rank) over (partition by {{ stimulus | join(', ') }} order by revision_rank) as cell_before,
        lag(response_hash) over (partition by {{ stimulus | join(', ') }} order by revision_rank) as hash_before,
        lead(revision_rank) over (partition by {{ stimulus | join(', ') }} order by revision_rank) as cell_after,
        -- The revision that executed the stimulus last.
        max(case when is_executed then revision_rank end) over (
            partition by {{ stimulus | join(', ') }} {{ before }}
        ) as executed_before
    from cells

),

-- Stimuli that are not what they were in the revision before.
present as (

    select
        *,
        -- What was never executed may be an edited stimulus.
        case when executed_before is null then step_id end as pairing_step_id
    from ordered
    where
        revision_rank > 1
        and case
            when is_executed
                then
                    coalesce(executed_before, 0) < revision_rank - 1
                    or response_hash <> hash_before
            else coalesce(cell_before, 0) < revision_rank - 1 or coalesce(executed_before, 0) = revision_rank - 1
        end

),

-- Stimuli that the revision after their last one does not have.
gone as (

    select
        {{ stimulus | join(',\n        ') }},
        step_id,
        revision_rank + 1 as revision_rank,
        case when is_executed then revision_rank else executed_before end as executed_before
    from ordered
    where
        (is_executed or executed_before is not null)
        and coalesce(cell_after, revision_rank + 2) > revision_rank + 1

),

-- At one step of one test, a stimulus that is gone and one that was never executed before are one that was edited.
paired as (

    select
        {% for column in lineage + ['test_id', 'revision_rank', 'step_id'] -%}
            coalesce(present.{{ column }}, gone.{{ column }}) as {{ column }},
        {% endfor -%}
        present.stimulus_id,
        present.cell_before,
        coalesce(gone.stimulus_id, present.stimulus_id) as previous_stimulus_id,
        coalesce(gone.executed_before, present.executed_before) as executed_before,
        gone.stimulus_id is not null as is_edited
    from present
    full outer join gone
        on
            {{ obslake.equal_columns('present', 'gone', lineage + ['test_id', 'revision_rank']) | indent(12) }}
            and present.pairing_step_id = gone.step_id

),

compared as (

    select
        paired.data_set_id,
        paired.problem_id,
        paired.lineage,
        paired.environment_id,
        paired.test_id,
        paired.step_id,
        stale_revisions.implementation_id,
        coalesce(
            previous_cells.implementation_id, stale_revisions.previous_implementation_id
        ) as previous_implementation_id,
        previous_cells.step_id as previous_step_id,
        stale_revisions.revision_rank,
        paired.stimulus_id is not null as is_present,
        coalesce(cells.is_executed, false) as is_executed,
        paired.executed_before is not null as was_executed,
        paired.cell_before is not null as was_present,
        paired.is_edited,
        coalesce(cells.operation, previous_cells.operation) as operation,
        coalesce(cells.inputs, previous_cells.inputs) as inputs,
        previous_cells.inputs as previous_inputs,
        coalesce(cells.content_hash, previous_cells.content_hash) as content_hash,
        previous_cells.response as previous_response,
        case when cells.is_executed then cells.response end as response,
        previous_cells.response_hash = cells.response_hash as is_same_response,
        {{ obslake.class_of_change('previous_cells', 'cells') | indent(8) }} as class_of_change,
        previous_cells.is_right as was_right,
        cells.is_right,
        previous_cells.run_id as previous_run_id,
        coalesce(cells.run_id, stale_revisions.run_id) as run_id,
        previous_cells.observed_at as previous_observed_at,
        coalesce(cells.observed_at, stale_revisions.first_executed_at) as observed_at
    from paired
    inner join stale_revisions
        on {{ obslake.equal_columns('paired', 'stale_revisions', lineage + ['revision_rank']) | indent(12) }}
    left join cells
        on {{ obslake.equal_columns('paired', 'cells', stimulus + ['revision_rank']) | indent(12) }}
    left join cells as previous_cells
        on
            {{ obslake.equal_columns('paired', 'previous_cells', lineage + ['test_id']) | indent(12) }}
            and paired.previous_stimulus_id = previous_cells.stimulus_id
            and paired.executed_before = previous_cells.revision_rank

),

classified as (

    select
        *,
        case
            when not is_present then 'gone'
            when not is_executed then case when was_executed then 'skipped' end
            when not was_executed
                then
                    case
                        when not is_right then 'new and failing'
                        when was_present then 'unskipped'
                        else 'new'
                    end
            when is_same_response then case when not is_edited then 'unskipped' end
            else class_of_change
        end as change
    from compared

),

-- A test that is gone and a new one with the same content may be one that was renamed.
same_contents as (

    select
        {{ lineage | join(',\n        ') }},
        revision_rank,
        content_hash,
        min(case when change = 'gone' then test_id end) as gone_test_id,
        min(case when change <> 'gone' then test_id end) as new_test_id
    from classified
    where change in ('gone', 'new', 'new and failing') and content_hash is not null
    group by {{ lineage | join(', ') }}, revision_rank, content_hash

),

final as (

    select
        classified.data_set_id,
        classified.problem_id,
        classified.lineage,
        classified.environment_id,
        classified.test_id,
        classified.step_id,
        classified.implementation_id,
        classified.previous_step_id,
        classified.previous_implementation_id,
        classified.revision_rank,
        classified.change,
        case
            when classified.change = 'gone' then same_contents.new_test_id
            when classified.change in ('new', 'new and failing') then same_contents.gone_test_id
        end as same_content_test_id,
        classified.was_right,
        classified.is_right,
        classified.operation,
        classified.inputs,
        classified.previous_inputs,
        classified.previous_response,
        classified.response,
        classified.previous_run_id,
        classified.run_id,
        classified.previous_observed_at,
        classified.observed_at
    from classified
    left join same_contents
        on
            {{ obslake.equal_columns('classified', 'same_contents', lineage + ['revision_rank']) | indent(12) }}
            and classified.content_hash = same_contents.content_hash
    where classified.change is not null

)

select * from final

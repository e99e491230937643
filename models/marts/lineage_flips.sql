-- Stimuli whose response to one revision of a lineage differed from those to the revisions before and after it, which
-- were equal: likely to be flaky even if no revision ran twice.
--
-- Only tests with changed responses can have flipped, and only their cells are put in order.

{%- set lineage = ['data_set_id', 'problem_id', 'lineage', 'environment_id'] %}
{%- set stimulus = lineage + ['test_id', 'stimulus_id'] %}
{%- set partition = 'cells.' ~ stimulus | join(',\ncells.') %}

with

changed_tests as (

    select distinct
        {{ (lineage + ['test_id']) | join(',\n        ') }}
    from {{ obslake.stale_rows(obslake.relation_without_database(ref('behavior_changes'))) }}
    where change in ('regressed', 'fixed', 'changed', 'changed, both wrong', 'stimulus changed')

),

cells as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_lineage_cells'))) }}
    where is_executed

),

revisions as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_lineage_revisions'))) }}

),

ordered as (

    select
        cells.*,
        revisions.revision_rank,
        {% for side, function in {'before': 'lag', 'after': 'lead'}.items() -%}
            {{ function }}(cells.response_hash) over (
                partition by
                    {{ partition | indent(20) }}
                order by revisions.revision_rank
            ) as response_{{ side }},
            {{ function }}(coalesce(cells.content_hash, '')) over (
                partition by
                    {{ partition | indent(20) }}
                order by revisions.revision_rank
            ) as content_{{ side }},
            {{ function }}(cells.test_content_hash) over (
                partition by
                    {{ partition | indent(20) }}
                order by revisions.revision_rank
            ) as test_content_{{ side }},
        {% endfor -%}
        row_number() over (
            partition by
                {{ partition | indent(16) }}
            order by revisions.revision_rank desc
        ) as recency
    from cells
    inner join changed_tests
        on {{ obslake.equal_columns('cells', 'changed_tests', lineage + ['test_id']) | indent(12) }}
    inner join revisions
        on {{ obslake.equal_columns('cells', 'revisions', lineage + ['implementation_id']) | indent(12) }}

),

judged as (

    select
        *,
        response_before = response_after
        and response_hash <> response_before
        and (
            (content_before = content_after and coalesce(content_hash, '') = content_before)
            or (test_content_before = test_content_after and test_content_hash = test_content_before)
        ) as is_flip
    from ordered

),

flips as (

    select
        {{ stimulus | join(',\n        ') }},
        count(*) as n_revisions,
        count(is_right) as n_judged,
        cast(sum(case when not is_right then 1 else 0 end) as bigint) as n_wrong,
        cast(sum(case when is_flip then 1 else 0 end) as bigint) as n_flips,
        max(case when is_flip then revision_rank end) as last_flip_rank,
        min(observed_at) as first_observed_at,
        max(observed_at) as last_observed_at
    from judged
    group by {{ stimulus | join(', ') }}

),

final as (

    select
        flips.data_set_id,
        flips.problem_id,
        flips.lineage,
        flips.environment_id,
        flips.test_id,
        flips.stimulus_id,
        latest.step_id,
        latest.operation,
        latest.inputs,
        flips.n_revisions,
        flips.n_judged,
        flips.n_wrong,
        cast(flips.n_wrong as double) / nullif(flips.n_judged, 0) as wrong_share,
        flips.n_flips,
        last_flip.implementation_id as last_flip_implementation_id,
        last_flip.response as last_flip_response,
        last_flip.observed_at as last_flip_at,
        latest.response as last_response,
        flips.first_observed_at,
        flips.last_observed_at
    from flips
    inner join judged as latest
        on
            {{ obslake.equal_columns('flips', 'latest', stimulus) | indent(12) }}
            and latest.recency = 1
    inner join judged as last_flip
        on
            {{ obslake.equal_columns('flips', 'last_flip', stimulus) | indent(12) }}
            and flips.last_flip_rank = last_flip.revision_rank
    where flips.n_flips > 0

)

select * from final

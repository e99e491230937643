-- What became of each stimulus of a lineage in the last revision that ran its problem, since when, and which revision
-- answered right last.
--
-- Narrow rows are put in order; the texts are read for the few revisions that count.

{%- set lineage = ['data_set_id', 'problem_id', 'lineage', 'environment_id'] %}
{%- set stimulus = lineage + ['test_id', 'stimulus_id'] %}
{#- Not a common table expression: it is used twice, and the engine would store all texts. -#}
{%- set cells -%}
    (
        select
            cells.*,
            revisions.revision_rank
        from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_lineage_cells'))) }} as cells
        inner join {{ obslake.stale_rows(obslake.relation_without_database(ref('int_lineage_revisions'))) }} as revisions
            on {{ obslake.equal_columns('cells', 'revisions', lineage + ['implementation_id']) | indent(16) }}
    ) as cells
{%- endset %}

with

revisions as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_lineage_revisions'))) }}

),

last_revisions as (

    select
        {{ lineage | join(',\n        ') }},
        max(revision_rank) as last_rank
    from revisions
    group by {{ lineage | join(', ') }}

),

judged as (

    select
        {{ stimulus | join(',\n        ') }},
        revision_rank,
        is_executed,
        is_right,
        case
            when is_right then 'right'
            when not is_right then 'wrong'
            else response_hash
        end as judgement
    from {{ cells }}

),

ordered as (

    select
        *,
        lag(judgement) over (
            partition by {{ stimulus | join(', ') }}, is_executed
            order by revision_rank
        ) as judgement_before,
        max(case when is_executed then revision_rank else 0 end) over (
            partition by {{ stimulus | join(', ') }}
        ) as executed_rank
    from judged

),

-- The places of the revisions that count; 0 if there is none.
places as (

    select
        {{ stimulus | join(',\n        ') }},
        max(revision_rank) as recorded_rank,
        max(executed_rank) as executed_rank,
        max(case
            when is_executed and (judgement_before is null or judgement_before <> judgement) then revision_rank
            else 0
        end) as series_rank,
        max(case when is_executed and is_right then revision_rank else 0 end) as right_rank,
        min(case when not is_executed and revision_rank > executed_rank then revision_rank end) as skipped_rank,
        cast(sum(case when is_executed then 1 else 0 end) as bigint) as n_revisions
    from ordered
    group by {{ stimulus | join(', ') }}

),

dated as (

    select
        places.*,
        last_revisions.last_rank,
        case
            when places.recorded_rank < last_revisions.last_rank then places.recorded_rank + 1
            when places.executed_rank < last_revisions.last_rank then places.skipped_rank
            else places.series_rank
        end as since_rank
    from places
    inner join last_revisions
        on {{ obslake.equal_columns('places', 'last_revisions', lineage) | indent(12) }}

),

{%- set ranks = {'executed': 'executed_rank', 'series': 'series_rank', 'right': 'right_rank'} %}

described as (

    select
        {{ 'dated.' ~ stimulus | join(',\n        dated.') }},
        dated.recorded_rank,
        dated.executed_rank,
        dated.last_rank,
        dated.since_rank,
        dated.n_revisions,
        {% for column in ['step_id', 'operation', 'inputs'] -%}
            max(case when cells.revision_rank = dated.recorded_rank then cells.{{ column }} end) as {{ column }},
        {% endfor -%}
        {% for column in ['response', 'response_kind', 'run_id'] -%}
            max(case when cells.revision_rank = dated.executed_rank then cells.{{ column }} end) as {{ column }},
        {% endfor -%}
        max(case
            when cells.revision_rank = dated.executed_rank and cells.is_right then 1
            when cells.revision_rank = dated.executed_rank and not cells.is_right then 0
        end) = 1 as is_right,
        {% for name, rank in ranks.items() -%}
            {% for column in ['implementation_id', 'revision', 'observed_at'] -%}
                max(
                    case when cells.revision_rank = dated.{{ rank }} then cells.{{ column }} end
                ) as {{ name }}_{{ column }},
            {% endfor -%}
        {% endfor -%}
        max(case when cells.revision_rank = dated.since_rank then cells.observed_at end) as since_at
    from dated
    inner join {{ cells }}
        on {{ obslake.equal_columns('dated', 'cells', stimulus) | indent(12) }}
    group by
        {{ 'dated.' ~ stimulus | join(',\n        dated.') }},
        dated.recorded_rank,
        dated.executed_rank,
        dated.last_rank,
        dated.since_rank,
        dated.n_revisions

),

final as (

    select
        {{ 'described.' ~ stimulus | join(',\n        described.') }},
        described.step_id,
        described.operation,
        described.inputs,
        case
            when described.recorded_rank < described.last_rank then 'gone'
            when described.executed_rank < described.last_rank then 'skipped'
            when described.is_right then 'right'
            when not described.is_right then 'wrong'
            else 'unjudged'
        end as state,
        described.n_revisions,
        since.implementation_id as since_implementation_id,
        since.revision as since_revision,
        coalesce(described.since_at, since.first_executed_at) as since_at,
        described.last_rank - described.since_rank + 1 as n_revisions_since,
        described.executed_implementation_id,
        described.executed_revision,
        described.is_right,
        described.response,
        described.response_kind,
        described.run_id,
        described.executed_observed_at as observed_at,
        case when not described.is_right then described.series_implementation_id end as first_wrong_implementation_id,
        case when not described.is_right then described.series_revision end as first_wrong_revision,
        case when not described.is_right then described.series_observed_at end as first_wrong_at,
        described.right_implementation_id as last_right_implementation_id,
        described.right_revision as last_right_revision,
        described.right_observed_at as last_right_at
    from described
    inner join revisions as since
        on
            {{ obslake.equal_columns('described', 'since', lineage) | indent(12) }}
            and described.since_rank = since.revision_rank

)

select * from final

{#- Common table expressions, the last of which is `cells`: what became of each stimulus in each group of runs, whose
    columns are `cell` and include the test. A run has at most one row per step in `relation`. A cell is the row of the
    latest run that executed the step, or else skipped it. `stimulus_id` is the same where the same was put in, wherever
    the stimulus stands in its test; where inputs were not recorded, it is the step, and nothing has to be sorted. -#}
{% macro stimulus_cells(relation, cell, columns, is_large=false) -%}
    {%- set columns = cell + ['step_id', 'run_id', 'observed_at', 'is_executed', 'operation', 'inputs',
        'test_content_hash', 'response', 'response_kind', 'response_hash'] + columns -%}
{{ obslake.stimuli_by_content(relation, cell, columns) }},

{{ obslake.latest_rows(
    'stimuli', cell + ['step_id'], ['is_executed desc', 'observed_at desc', 'run_id desc'],
    columns + ['stimulus_id', 'content_hash'], is_large
) }},

{#- In different runs of an edited test the same stimulus may be at two steps. -#}
placed as (

    select
        *,
        row_number() over (
            partition by {{ cell | join(', ') }}, stimulus_id
            order by is_executed desc, observed_at desc, run_id desc, step_id asc
        ) as precedence
    from latest
    where inputs is not null

),

cells as (

    select {{ columns | join(', ') }}, stimulus_id, content_hash from latest
    where inputs is null
    union all
    select {{ columns | join(', ') }}, stimulus_id, content_hash from placed
    where precedence = 1

)
{%- endmacro %}

{#- The rows of a relation that a model which is refreshed problem by problem has to read: those of the problems
    that are stale, or all of them where the model is built for the first time, or in full. A model that is refreshed
    column by column reads the stale columns, unless it needs all of their problems (`whole`). Where rows have the
    number of their problem, they are found by it. -#}
{% macro stale_rows(relation, has_number=false, whole=false) -%}
    {%- if not execute and var('obslake_observations') -%} {%- do obslake.after_refresh() -%} {%- endif -%}
    {%- if execute and model.config.materialized == 'incremental' -%}
        {%- do exceptions.raise_compiler_error(
            'the tables of obslake have the materialization by_problem: as incremental they would get all rows again'
        ) -%}
    {%- endif -%}
    {%- if obslake.builds_stale_only() -%}
    {%- set is_by_column = obslake.builds_columns() and not whole -%}
    (
        select stored.* from {{ relation }} as stored
        -- A join, which lets the engine skip what holds none of these problems.
        inner join {{ obslake.refresh_table('refresh_columns' if is_by_column else 'refresh_problems') }} as stale
            on
                stale.model = '{{ model.name }}'
                {%- if is_by_column %}
                and stored.implementation_id = stale.implementation_id
                {%- else %}
                and stale.is_stale
                {%- endif %}
                {%- if has_number %}
                and stored.problem_no = stale.problem_no
                {%- else %}
                and stored.data_set_id = stale.data_set_id
                and stored.problem_id = stale.problem_id
                {%- endif %}
    )
    {%- else -%}
    {{ relation }}
    {%- endif -%}
{%- endmacro %}

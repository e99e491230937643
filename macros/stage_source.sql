{#- One source table with all its columns, their types and their defaults: the rows of the lakehouse, or of the relation
    named by the variable `obslake_<name>`, which needs only the columns marked `is_needed`. -#}
{% macro stage_source(name, columns) -%}
    {%- if not execute and not var('obslake_observations') and name not in obslake.seed_names() -%}
        {%- do obslake.after_refresh() -%}
    {%- endif -%}
    {%- set relation = obslake.source_relation(name) -%}
    {%- set present = obslake.present_columns(name, relation) -%}
    {%- set missing = [] -%}
    {%- if present is not none and relation is not none -%}
        {%- for column in columns if column.is_needed and column.name not in present -%}
            {%- do missing.append(column.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if missing -%}
        {%- do exceptions.raise_compiler_error(
            'obslake_' ~ name ~ ': ' ~ relation ~ ' has no column ' ~ missing | join(', ')
            ~ ', which ' ~ name ~ ' require\n'
            ~ '  its columns: ' ~ present | join(', ')
        ) -%}
    {%- endif -%}
    {#- The tables of the lakehouse have these types, and columns with a default are required there. A plain column,
        unlike an expression, lets the engine skip files that a join or a condition excludes. -#}
    {%- set has_nulls = present is not none or var('obslake_has_nulls') -%}
    select
        {% for column in columns -%}
        {%- set value = column.name if present is none or column.name in present else 'null' -%}
        {%- set typed = 'cast(' ~ value ~ ' as ' ~ column.type ~ ')' if has_nulls else value -%}
        {%- set defaulted = column.default is defined and has_nulls -%}
        {{ 'coalesce(' ~ typed ~ ', ' ~ column.default ~ ')' if defaulted else typed }} as {{ column.name }}
        {{- ',' if not loop.last }}
        {% endfor %}
    {%- if relation is none %}
    from (select 1 as placeholder) as no_rows
    where 1 = 0
    {%- else %}
    from {{ relation }}
    {%- endif %}
{%- endmacro %}

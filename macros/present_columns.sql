{#- Names of the columns of a source relation in lower case; none if the loader made the table, which then has all
    columns. -#}
{% macro present_columns(name, relation) -%}
    {%- if not var('obslake_observations') -%}
        {{ return(none) }}
    {%- elif relation is none -%}
        {{ return([]) }}
    {%- elif not execute -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for column in adapter.get_column_schema_from_query('select * from ' ~ relation ~ ' where 1 = 0') -%}
        {%- do names.append(column.name | lower) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{#- Names of the columns of a source relation in lower case; none if the loader made the table, which then has all
    columns. A seed whose file was written for an earlier version may lack some. -#}
{% macro present_columns(name, relation) -%}
    {%- if not var('obslake_observations') and (not execute or name not in obslake.seed_names()) -%}
        {{ return(none) }}
    {%- elif relation is none -%}
        {{ return([]) }}
    {%- elif not execute -%}
        {{ return(none) }}
    {%- elif not var('obslake_observations')
        and not adapter.get_relation(target.database, relation.schema, relation.identifier) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for column in adapter.get_column_schema_from_query('select * from ' ~ relation ~ ' where 1 = 0') -%}
        {%- do names.append(column.name | lower) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

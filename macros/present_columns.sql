{#- Names of the columns of a source relation in lower case; none if the loader made the table, or on DuckDB a hook
    completed that of a seed, which then have all columns. Elsewhere a seed whose file an earlier version wrote
    may lack some. -#}
{% macro present_columns(name, relation) -%}
    {%- set is_seed = name in obslake.seed_names() -%}
    {%- if not var('obslake_observations') and (not execute or not is_seed) -%}
        {{ return(none) }}
    {%- elif not var('obslake_observations') and not var('obslake_' ~ name) and target.type == 'duckdb' -%}
        {{ return(none) }}
    {%- elif relation is none -%}
        {{ return([]) }}
    {%- elif not execute -%}
        {{ return(none) }}
    {%- elif not var('obslake_observations') and not var('obslake_' ~ name)
        and not adapter.get_relation(target.database, relation.schema, relation.identifier) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for column in adapter.get_column_schema_from_query('select * from ' ~ relation ~ ' where 1 = 0') -%}
        {%- do names.append(column.name | lower) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

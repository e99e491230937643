{#- Build a complete table that replaces the existing one. -#}
{% macro replace_table(table, existing, sql) -%}
    {{ return(adapter.dispatch('replace_table', 'obslake')(table, existing, sql)) }}
{%- endmacro %}

{% macro default__replace_table(table, existing, sql) -%}
    {{ exceptions.raise_compiler_error('replace_table does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__replace_table(table, existing, sql) -%}
    {%- set built = table if existing is none else make_intermediate_relation(table) -%}
    {%- do drop_relation_if_exists(load_cached_relation(make_intermediate_relation(table))) -%}
    {%- call statement('main') -%} {{ create_table_as(false, built, sql) }} {%- endcall -%}
    {%- if existing is not none -%}
        {%- do adapter.drop_relation(existing) -%}
        {%- do adapter.rename_relation(built, table) -%}
    {%- endif -%}
{%- endmacro %}

{% macro spark__replace_table(table, existing, sql) -%}
    {%- if existing is not none and (existing.is_view or should_full_refresh()) -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- call statement('main') -%} {{ create_table_as(false, table, sql) }} {%- endcall -%}
{%- endmacro %}

{#- Statement that appends the rows of a query, with its columns in any order. -#}
{% macro insert_by_name(table, sql) -%}
    insert into {{ table }} by name
    select * from (
        {{ sql }}
    ) as stale
{%- endmacro %}

{#- Override of dbt-spark's macro, which describes each Iceberg table in a separate statement, and fails if the schema
    does not exist. -#}
{% macro spark__list_relations_without_caching(schema_relation) -%}
    {%- set schema = schema_relation.schema -%}
    {%- set views, relations = [], [] -%}
    {%- do run_query('create schema if not exists ' ~ schema) -%}
    {%- for row in run_query('show views in ' ~ schema).rows if row[0] -%}
        {%- do views.append(row[1]) -%}
        {%- do relations.append([schema, row[1], false, 'Type: VIEW']) -%}
    {%- endfor -%}
    {%- for row in run_query('show tables in ' ~ schema).rows if row[0] and row[1] not in views -%}
        {%- do relations.append([schema, row[1], false, 'Provider: iceberg']) -%}
    {%- endfor -%}
    {{ return(relations) }}
{%- endmacro %}

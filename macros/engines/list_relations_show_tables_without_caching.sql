{#- What dbt-spark lists the tables of a schema with, which fails where there is no such schema: before the first run
    there are only those that the command itself writes to. -#}
{% macro list_relations_show_tables_without_caching(schema_relation) -%}
    {%- do run_query('create schema if not exists ' ~ schema_relation.schema) -%}
    {{ return(run_query('show tables in ' ~ schema_relation.schema)) }}
{%- endmacro %}

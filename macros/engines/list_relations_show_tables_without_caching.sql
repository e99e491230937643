{#- Override of the macro by which dbt-spark lists the tables of a schema, which fails if the schema does not exist:
    before the first run, only the schemas that the command writes to exist. -#}
{% macro list_relations_show_tables_without_caching(schema_relation) -%}
    {%- do run_query('create schema if not exists ' ~ schema_relation.schema) -%}
    {{ return(run_query('show tables in ' ~ schema_relation.schema)) }}
{%- endmacro %}

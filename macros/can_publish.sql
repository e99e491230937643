{#- Whether the connection uses this project's profile, whose plugin can publish the marts. -#}
{% macro can_publish() -%}
    {%- if target.type != 'duckdb' -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set found = run_query("select count(*) from duckdb_functions() where function_name = 'publish_marts'") -%}
    {{ return(found.rows[0][0] > 0) }}
{%- endmacro %}

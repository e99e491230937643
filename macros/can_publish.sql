{#- Whether the connection was made by the project's own profile, which knows where readers look. -#}
{% macro can_publish() -%}
    {%- if target.type != 'duckdb' -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set found = run_query("select count(*) from duckdb_functions() where function_name = 'publish_marts'") -%}
    {{ return(found.rows[0][0] > 0) }}
{%- endmacro %}

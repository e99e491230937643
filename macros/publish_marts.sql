{#- Hook: show readers the marts as they are now, where everything that was run has succeeded. -#}
{% macro publish_marts(results) -%}
    {%- if execute and flags.WHICH in ['run', 'build'] and obslake.can_publish() -%}
        {%- set failed = results | map(attribute='status') | map('string')
            | select('in', ['error', 'fail', 'runtime error', 'skipped', 'partial success']) | list -%}
        {%- if failed -%}
            {%- do log('not published: readers see the marts as they were before', info=true) -%}
        {%- elif results -%}
            checkpoint;
            select publish_marts()
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Whether the connection was made by the project's own profile, which knows where readers look. -#}
{% macro can_publish() -%}
    {%- if target.type != 'duckdb' -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set found = run_query("select count(*) from duckdb_functions() where function_name = 'publish_marts'") -%}
    {{ return(found.rows[0][0] > 0) }}
{%- endmacro %}

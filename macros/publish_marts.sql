{#- Hook: show readers the marts as they are now, where everything that was run has succeeded. -#}
{% macro publish_marts(results) -%}
    {%- if execute and flags.WHICH in ['run', 'build'] and obslake.can_publish() -%}
        {%- set failed = results | map(attribute='status') | map('string')
            | select('in', ['error', 'fail', 'runtime error', 'skipped', 'partial success']) | list -%}
        {%- if failed -%}
            {%- do log('not published: readers see the marts as they were before', info=true) -%}
        {%- elif results -%}
            checkpoint;
            with published as materialized (select publish_marts() as failure)
            select error(failure) from published where failure <> ''
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

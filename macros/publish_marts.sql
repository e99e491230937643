{#- Hook: publish the marts to readers if everything that ran has succeeded. -#}
{% macro publish_marts(results) -%}
    {%- if execute and flags.WHICH in ['run', 'build'] and obslake.can_publish() -%}
        {%- set failed = results | map(attribute='status') | map('string')
            | select('in', ['error', 'fail', 'runtime error', 'skipped', 'partial success']) | list -%}
        {%- if failed -%}
            {%- do log('not published: readers still see the previous marts', info=true) -%}
        {%- elif results -%}
            checkpoint;
            with published as materialized (select publish_marts() as failure)
            select error(failure) from published where failure <> ''
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

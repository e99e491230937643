{#- Whether the model that is run has to build only the problems that are stale. -#}
{% macro builds_stale_only() -%}
    {%- if not execute or model.resource_type != 'model' or model.config.materialized != 'by_problem' -%}
        {#- A unit test builds nothing, so nothing can be stale. -#}
        {{ return(false) }}
    {%- endif -%}
    {%- set table = load_cached_relation(this) -%}
    {{ return(
        table is not none and table.type == 'table' and not should_full_refresh() and not var('obslake_observations')
    ) }}
{%- endmacro %}

{#- Hook: keep what the model holds now, in the transaction of its rows. -#}
{% macro end_refresh() -%}
    {%- if obslake.is_refreshed() -%}
    {{ obslake.forget_stale_versions() }};
    {{ obslake.keep_built_versions() }};
    {{ obslake.keep_model_snapshot() }}
    {%- endif -%}
{%- endmacro %}

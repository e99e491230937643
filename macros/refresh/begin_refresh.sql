{#- Hook: find out which problems the model has to build, and remove what it holds of them. In one piece, since dbt
    takes longer for a statement than the engine for all of these. -#}
{% macro begin_refresh() -%}
    {%- if obslake.is_refreshed() -%}
    {{ obslake.forget_stale_problems() }};
    {{ obslake.forget_model_snapshot() }};
    {%- if not is_incremental() %}
    {{ obslake.forget_built_versions() }};
    {%- endif %}
    {{ obslake.find_stale_problems() }};
    {%- if is_incremental() %}
    {{ obslake.delete_stale_rows() }};
    {%- endif %}
    {%- endif -%}
{%- endmacro %}

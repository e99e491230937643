{#- Hook: forget from which snapshot a model was built. -#}
{% macro forget_model_snapshot() -%}
    {%- if obslake.is_refreshed() -%}
    delete from {{ ref('refresh_model_snapshots') }} where model = '{{ model.name }}'
    {%- endif -%}
{%- endmacro %}

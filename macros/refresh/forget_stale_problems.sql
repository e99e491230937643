{#- Hook: forget what was stale when the model was last run. -#}
{% macro forget_stale_problems() -%}
    {%- if obslake.is_refreshed() -%}
    delete from {{ ref('refresh_stale_problems') }} where model = '{{ model.name }}'
    {%- endif -%}
{%- endmacro %}

{#- Forget what was stale when the model was last run. -#}
{% macro forget_stale_problems() -%}
    delete from {{ ref('refresh_stale_problems') }} where model = '{{ model.name }}'
{%- endmacro %}

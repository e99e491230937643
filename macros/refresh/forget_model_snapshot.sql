{#- Forget from which snapshot a model was built. -#}
{% macro forget_model_snapshot() -%}
    delete from {{ ref('refresh_model_snapshots') }} where model = '{{ model.name }}'
{%- endmacro %}

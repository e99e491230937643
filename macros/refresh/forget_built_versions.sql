{#- Forget what a model held that is built anew. -#}
{% macro forget_built_versions() -%}
    delete from {{ ref('refresh_built_versions') }} where model = '{{ model.name }}'
{%- endmacro %}

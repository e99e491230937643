{#- Hook: forget what a model held that is built anew. -#}
{% macro forget_built_versions() -%}
    {%- if obslake.is_refreshed() and not is_incremental() -%}
    delete from {{ ref('refresh_built_versions') }} where model = '{{ model.name }}'
    {%- endif -%}
{%- endmacro %}

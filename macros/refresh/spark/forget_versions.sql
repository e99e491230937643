{#- Statement that makes all problems of the model stale before its table is replaced. -#}
{% macro forget_versions() -%}
    delete from {{ obslake.refresh_table('refresh_problems') }} where model = '{{ model.name }}'
{%- endmacro %}

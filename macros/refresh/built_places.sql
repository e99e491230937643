{#- Relation with the places of columns with which a model was built. -#}
{% macro built_places(name) -%}
    (select * from {{ obslake.refresh_table('refresh_places') }} where model = '{{ name }}')
{%- endmacro %}

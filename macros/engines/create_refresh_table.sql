{#- Statement that creates a table of the refresh if it does not exist. -#}
{% macro create_refresh_table(relation, columns) -%}
    create table if not exists {{ relation }} (
        {%- for name, type in columns.items() %}{{ name }} {{ type }}{{ ', ' if not loop.last }}{% endfor -%}
    )
    {%- if target.type == 'spark' %}
    using iceberg
    tblproperties ('write.metadata.delete-after-commit.enabled' = 'true')
    {%- endif -%}
{%- endmacro %}

{#- Statement that creates a table of the refresh if it does not exist. -#}
{% macro create_refresh_table(relation, columns) -%}
    create table if not exists {{ relation }} (
        {%- for name, type in columns.items() %}{{ name }} {{ type }}{{ ', ' if not loop.last }}{% endfor -%}
    )
    {%- if target.type == 'spark' %}
    using iceberg
    {%- if relation.identifier == 'refresh_problems' %}
    partitioned by (model)
    {%- endif %}
    tblproperties (
        'write.metadata.delete-after-commit.enabled' = 'true',
        'write.distribution-mode' = 'none',
        'write.spark.fanout.enabled' = 'true'
    )
    {%- endif -%}
{%- endmacro %}

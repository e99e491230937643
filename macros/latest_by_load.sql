{#- Aggregate: the value of a column in the latest load that has one. The greatest text decides between several values
    of one load, so that the order of rows does not matter. -#}
{% macro latest_by_load(column) -%}
    max_by({{ column }}, load_id || ':' || cast({{ column }} as string))
{%- endmacro %}

{#- Aggregate: the value of a column that the latest load gave, leaving out loads that gave none. Two values
    of one load are told apart by their text, so that the order of rows does not matter. -#}
{% macro latest_by_load(column) -%}
    max_by({{ column }}, load_id || ':' || cast({{ column }} as string))
{%- endmacro %}

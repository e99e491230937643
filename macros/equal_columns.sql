{#- Condition of a join: these columns of two relations are equal. -#}
{% macro equal_columns(one, other, columns, nulls_are_equal=false) -%}
    {%- for column in columns -%}
        {{ one }}.{{ column }} {{ 'is not distinct from' if nulls_are_equal else '=' }} {{ other }}.{{ column }}
        {%- if not loop.last %}
and {% endif -%}
    {%- endfor -%}
{%- endmacro %}

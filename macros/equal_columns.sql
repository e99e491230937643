{#- Condition of a join: these columns of two relations are equal. -#}
{% macro equal_columns(one, other, columns) -%}
    {%- for column in columns -%}
        {{ one }}.{{ column }} = {{ other }}.{{ column }}
        {%- if not loop.last %}
and {% endif -%}
    {%- endfor -%}
{%- endmacro %}

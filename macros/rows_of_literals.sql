{#- Rows of texts, as after `values`. -#}
{% macro rows_of_literals(rows) -%}
    {%- for row in rows -%}
        ({{ obslake.text_literals(row) }}){{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- Texts as a list of SQL literals. -#}
{% macro quoted_list(texts) -%}
    {%- for text in texts -%}
        {{ obslake.quoted(text) }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

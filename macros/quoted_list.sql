{#- Texts as a list of SQL literals. -#}
{% macro quoted_list(texts) -%}
    {%- for text in texts -%}
        {{ dbt.string_literal(dbt.escape_single_quotes(text)) }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

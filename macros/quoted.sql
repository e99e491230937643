{#- A text as an SQL literal: the one place where a text becomes a part of SQL. -#}
{% macro quoted(text) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(text)) }}
{%- endmacro %}

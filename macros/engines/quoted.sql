{#- A text as an SQL literal: the one place where a text becomes a part of SQL. -#}
{% macro quoted(text) -%}
    {{ return(adapter.dispatch('quoted', 'obslake')(text)) }}
{%- endmacro %}

{% macro default__quoted(text) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(text)) }}
{%- endmacro %}

{% macro spark__quoted(text) -%}
    {#- A backslash says something in a literal there. -#}
    {{ return("'" ~ text.replace('\\', '\\\\').replace("'", "\\'") ~ "'") }}
{%- endmacro %}

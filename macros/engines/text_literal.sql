{#- A text as an SQL literal: the one place where a text becomes a part of SQL. -#}
{% macro text_literal(text) -%}
    {{ return(adapter.dispatch('text_literal', 'obslake')(text)) }}
{%- endmacro %}

{% macro default__text_literal(text) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(text)) }}
{%- endmacro %}

{% macro spark__text_literal(text) -%}
    {#- A backslash says something in a literal there. -#}
    {{ return("'" ~ text.replace('\\', '\\\\').replace("'", "\\'") ~ "'") }}
{%- endmacro %}

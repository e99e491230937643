{#- A text as an SQL literal. All texts in SQL must pass through here. -#}
{% macro text_literal(text) -%}
    {{ return(adapter.dispatch('text_literal', 'obslake')(text)) }}
{%- endmacro %}

{% macro default__text_literal(text) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(text)) }}
{%- endmacro %}

{% macro spark__text_literal(text) -%}
    {#- Backslashes are escapes in Spark's literals. -#}
    {{ return("'" ~ text.replace('\\', '\\\\').replace("'", "\\'") ~ "'") }}
{%- endmacro %}

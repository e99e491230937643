{#- A text as an SQL literal. All texts in SQL must pass through here. -#}
{% macro text_literal(text) -%}
    {{ return(adapter.dispatch('text_literal', 'obslake')(text)) }}
{%- endmacro %}

{% macro default__text_literal(text) -%}
    {#- SQL that is indented would get spaces in lines of a text. -#}
    {%- if '\n' in text or '\r' in text -%}
        {%- set escaped = text.replace('\\', '\\\\').replace('\n', '\\n').replace('\r', '\\r') -%}
        {{ return('E' ~ dbt.string_literal(dbt.escape_single_quotes(escaped))) }}
    {%- endif -%}
    {{ return(dbt.string_literal(dbt.escape_single_quotes(text))) }}
{%- endmacro %}

{% macro spark__text_literal(text) -%}
    {#- Backslashes are escapes in Spark's literals. -#}
    {%- set escaped = text.replace('\\', '\\\\').replace("'", "\\'").replace('\n', '\\n').replace('\r', '\\r') -%}
    {{ return("'" ~ escaped ~ "'") }}
{%- endmacro %}

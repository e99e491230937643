{#- A text, with all matches of a regular expression in a column replaced by a text without special characters. -#}
{% macro own_matches_replaced(text, expression, replacement) -%}
    {{ return(adapter.dispatch('own_matches_replaced', 'obslake')(text, expression, replacement)) }}
{%- endmacro %}

{% macro default__own_matches_replaced(text, expression, replacement) -%}
    {{ exceptions.raise_compiler_error('own_matches_replaced does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__own_matches_replaced(text, expression, replacement) -%}
    regexp_replace({{ text }}, {{ expression }}, '{{ replacement }}', 'g')
{%- endmacro %}

{% macro spark__own_matches_replaced(text, expression, replacement) -%}
    regexp_replace({{ text }}, {{ expression }}, '{{ replacement }}')
{%- endmacro %}

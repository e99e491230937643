{#- The matches of a regular expression without groups in a text, as an array. -#}
{% macro matches(text, expression) -%}
    {{ return(adapter.dispatch('matches', 'obslake')(text, expression)) }}
{%- endmacro %}

{% macro default__matches(text, expression) -%}
    {{ exceptions.raise_compiler_error('matches does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__matches(text, expression) -%}
    regexp_extract_all({{ text }}, {{ obslake.text_literal(expression) }})
{%- endmacro %}

{% macro spark__matches(text, expression) -%}
    regexp_extract_all({{ text }}, {{ obslake.text_literal(expression) }}, 0)
{%- endmacro %}

{#- A text, with all matches of a regular expression replaced. The replacement has `\1` for the expression's group.
    In the expression `\b` is the boundary of a word of ASCII letters, digits and underscores. -#}
{% macro replaced_matches(text, expression, replacement) -%}
    {{ return(adapter.dispatch('replaced_matches', 'obslake')(text, expression, replacement)) }}
{%- endmacro %}

{% macro default__replaced_matches(text, expression, replacement) -%}
    {{ exceptions.raise_compiler_error('replaced_matches does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__replaced_matches(text, expression, replacement) -%}
    regexp_replace({{ text }}, {{ obslake.text_literal(expression) }}, {{ obslake.text_literal(replacement) }}, 'g')
{%- endmacro %}

{% macro spark__replaced_matches(text, expression, replacement) -%}
    {#- Words of Java have letters of all scripts. -#}
    {%- set letter = '[0-9A-Za-z_]' -%}
    {%- set boundary = '(?:(?<!L)(?=L)|(?<=L)(?!L))'.replace('L', letter) -%}
    regexp_replace(
        {{ text }},
        {{ obslake.text_literal(expression.replace('\\b', boundary)) }},
        {{ obslake.text_literal(replacement.replace('\\1', '$1')) }}
    )
{%- endmacro %}

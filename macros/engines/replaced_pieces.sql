{#- A text, split into the matches of a regular expression without groups, each replaced by an expression of `piece`.
    What does not match is left out. -#}
{% macro replaced_pieces(text, expression, replacement) -%}
    {{ return(adapter.dispatch('replaced_pieces', 'obslake')(text, expression, replacement)) }}
{%- endmacro %}

{% macro default__replaced_pieces(text, expression, replacement) -%}
    {{ exceptions.raise_compiler_error('replaced_pieces does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__replaced_pieces(text, expression, replacement) -%}
    array_to_string(
        list_transform(
            {{ obslake.matches(text, expression) }},
            lambda piece: {{ replacement }}
        ),
        ''
    )
{%- endmacro %}

{% macro spark__replaced_pieces(text, expression, replacement) -%}
    array_join(
        transform(
            {{ obslake.matches(text, expression) }},
            piece -> {{ replacement }}
        ),
        ''
    )
{%- endmacro %}

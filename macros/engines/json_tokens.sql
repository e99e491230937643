{#- The tokens of a JSON text, as an array of texts: strings, numbers, literals and punctuation, without white space. NaN
    and infinities, which many programs write, are literals. Any other character is a separate, invalid token. -#}
{% macro json_tokens(text) -%}
    {{ return(adapter.dispatch('json_tokens', 'obslake')(text)) }}
{%- endmacro %}

{% macro default__json_tokens(text) -%}
    {{ exceptions.raise_compiler_error('json_tokens does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__json_tokens(text) -%}
    regexp_extract_all({{ text }}, '{{ obslake.json_token() }}')
{%- endmacro %}

{% macro spark__json_tokens(text) -%}
    {#- Spark's literals need escaped backslashes. -#}
    regexp_extract_all({{ text }}, '{{ obslake.json_token().replace('\\', '\\\\') }}', 0)
{%- endmacro %}

{#- Regular expression of a token. -#}
{% macro json_token() -%}
    {%- set tokens = [
        '"[^"\\\\\\x00-\\x1f]*(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\\\\x00-\\x1f]*)*"',
        '-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?',
        'true|false|null|NaN|nan|-?[Ii]nfinity',
        '[^ \\t\\n\\r]',
    ] -%}
    {{ return(tokens | join('|')) }}
{%- endmacro %}

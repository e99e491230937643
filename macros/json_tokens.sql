{#- The tokens of a JSON text, as an array of texts: strings, numbers, literals and punctuation, without white space.
    NaN and infinities, which many programs write, are literals. Any other character is a separate, invalid token. -#}
{% macro json_tokens(text) -%}
    {%- set tokens = [
        '"[^"\\\\\\x00-\\x1f]*(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\\\\x00-\\x1f]*)*"',
        '-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?',
        'true|false|null|NaN|nan|-?[Ii]nfinity',
        '[^ \\t\\n\\r]',
    ] -%}
    {{ return(obslake.matches(text, tokens | join('|'))) }}
{%- endmacro %}

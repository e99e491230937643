{#- Unicode normal form NFC of a text. Spark has no function for it: there the rule `unicode` is refused. -#}
{% macro composed_text(text) -%}
    {{ return(adapter.dispatch('composed_text', 'obslake')(text)) }}
{%- endmacro %}

{% macro default__composed_text(text) -%}
    {{ exceptions.raise_compiler_error('composed_text does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__composed_text(text) -%}
    nfc_normalize({{ text }})
{%- endmacro %}

{% macro spark__composed_text(text) -%}
    {#- A stored rule of another engine would otherwise change nothing without a word. -#}
    cast(raise_error('the rule unicode is not available on Spark') as string)
{%- endmacro %}

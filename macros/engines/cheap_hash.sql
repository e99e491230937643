{#- Number that is equal for equal texts and numbers, and nearly always different for different ones. It may be
    another one on every engine and version: nothing that is stored or shown may depend on it. -#}
{% macro cheap_hash(columns) -%}
    {{ return(adapter.dispatch('cheap_hash', 'obslake')(columns)) }}
{%- endmacro %}

{% macro default__cheap_hash(columns) -%}
    {{ exceptions.raise_compiler_error('cheap_hash has no form for ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__cheap_hash(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__cheap_hash(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}

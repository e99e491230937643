{#- Columns as one value. Such values are compared column by column, in this order. -#}
{% macro row_of(columns) -%}
    {{ adapter.dispatch('row_of', 'obslake')(columns) }}
{%- endmacro %}

{% macro default__row_of(columns) -%}
    {{ exceptions.raise_compiler_error('row_of does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__row_of(columns) -%}
    row({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__row_of(columns) -%}
    struct({{ columns | join(', ') }})
{%- endmacro %}

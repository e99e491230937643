{#- Aggregate: the second of the values in descending order, which may equal the first. Null if there is only one. -#}
{% macro second_greatest(value) -%}
    {{ return(adapter.dispatch('second_greatest', 'obslake')(value)) }}
{%- endmacro %}

{% macro default__second_greatest(value) -%}
    {{ exceptions.raise_compiler_error('second_greatest does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__second_greatest(value) -%}
    max({{ value }}, 2)[2]
{%- endmacro %}

{% macro spark__second_greatest(value) -%}
    get(sort_array(array_agg({{ value }}), false), 1)
{%- endmacro %}

{#- Between `as` and the bracket of a common table expression that the engine shall compute once, where it would
    copy it, and take ever longer to plan a chain of them. -#}
{% macro materialized() -%}
    {{ return(adapter.dispatch('materialized', 'obslake')()) }}
{%- endmacro %}

{% macro default__materialized() -%}
    {{ exceptions.raise_compiler_error('materialized has no form for ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__materialized() -%}
    materialized
{%- endmacro %}

{% macro spark__materialized() -%}
{%- endmacro %}

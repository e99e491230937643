{#- Between `as` and the bracket of a common table expression that the engine shall compute once, where it would
    copy it, and take ever longer to plan a chain of them. -#}
{% macro computed_once() -%}
    {{ return(adapter.dispatch('computed_once', 'obslake')()) }}
{%- endmacro %}

{% macro default__computed_once() -%}
    {{ exceptions.raise_compiler_error('computed_once has no form for ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__computed_once() -%}
    materialized
{%- endmacro %}

{% macro spark__computed_once() -%}
{%- endmacro %}

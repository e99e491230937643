{#- Hint between `as` and the bracket of a common table expression to compute it once. Otherwise DuckDB copies it into
    each use, and planning a chain of them takes too long. -#}
{% macro computed_once() -%}
    {{ return(adapter.dispatch('computed_once', 'obslake')()) }}
{%- endmacro %}

{% macro default__computed_once() -%}
    {{ exceptions.raise_compiler_error('computed_once does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__computed_once() -%}
    materialized
{%- endmacro %}

{% macro spark__computed_once() -%}
{%- endmacro %}

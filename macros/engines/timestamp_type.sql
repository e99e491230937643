{#- Type of a timestamp. -#}
{% macro timestamp_type() -%}
    {{ return(adapter.dispatch('timestamp_type', 'obslake')()) }}
{%- endmacro %}

{% macro default__timestamp_type() -%}
    {{ return('timestamp') }}
{%- endmacro %}

{% macro duckdb__timestamp_type() -%}
    {{ return('timestamp with time zone') }}
{%- endmacro %}

{#- Type of a map from texts to texts. -#}
{% macro string_map_type() -%}
    {{ return(adapter.dispatch('string_map_type', 'obslake')()) }}
{%- endmacro %}

{% macro default__string_map_type() -%}
    {{ return('map<string, string>') }}
{%- endmacro %}

{% macro duckdb__string_map_type() -%}
    {{ return('map(varchar, varchar)') }}
{%- endmacro %}

{#- Maximal nesting of containers in a JSON text whose canonical form is computed. -#}
{% macro json_depth_limit() -%}
    {{ return(24) }}
{%- endmacro %}

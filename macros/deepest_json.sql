{#- How deeply containers may be nested in a JSON text whose canonical form is computed. -#}
{% macro deepest_json() -%}
    {{ return(24) }}
{%- endmacro %}

{#- How many votes an oracle needs at least. -#}
{% macro minimal_support() -%}
    {%- set chosen = var('obslake_minimal_support') -%}
    {%- if chosen is boolean or chosen is not integer or chosen < 1 -%}
        {%- do exceptions.raise_compiler_error(
            'obslake_minimal_support must be a whole number from 1, not ' ~ tojson(chosen)
        ) -%}
    {%- endif -%}
    {{ return(chosen) }}
{%- endmacro %}

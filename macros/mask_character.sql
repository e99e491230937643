{#- What the rule `mask` writes instead of each match. -#}
{% macro mask_character() -%}
    {{ return('█') }}
{%- endmacro %}

{#- Statement that stores the description of a function in the database. -#}
{% macro comment_on_function() -%}
    {%- set description = model.description.split() | join(' ') -%}
    comment on macro table {{ this }} is {{ obslake.text_literal(description) }}
{%- endmacro %}

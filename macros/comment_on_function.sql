{#- Store a function's description in the database. -#}
{% macro comment_on_function() -%}
    {%- set description = model.description.split() | join(' ') -%}
    comment on macro table {{ this }} is {{ obslake.text_literal(description) }}
{%- endmacro %}

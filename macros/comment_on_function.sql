{#- Put a function's description into the database, so that it explains itself there. -#}
{% macro comment_on_function() -%}
    {%- set description = model.description.split() | join(' ') -%}
    comment on macro table {{ this }} is {{ obslake.text_literal(description) }}
{%- endmacro %}

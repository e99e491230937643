{#- Whether a JSON string is a decimal number, as Python writes finite ones. -#}
{% macro is_decimal(token) -%}
    regexp_replace({{ token }}, '^"-?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?"$', '') = ''
{%- endmacro %}

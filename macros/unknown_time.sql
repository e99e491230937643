{#- Stands for a moment that was not recorded: a null would be ordered differently by every engine. -#}
{% macro unknown_time() -%}
    cast('1970-01-01 00:00:00+00:00' as {{ obslake.timestamp_type() }})
{%- endmacro %}

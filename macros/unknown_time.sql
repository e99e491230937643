{#- Time of rows without a recorded time, because engines order nulls differently. -#}
{% macro unknown_time() -%}
    cast('1970-01-01 00:00:00+00:00' as {{ obslake.timestamp_type() }})
{%- endmacro %}

{#- The number of the last change of which loads are shown; 0 where changes have no numbers. -#}
{% macro last_change() -%}
    {%- if obslake.refreshes_columns() -%}
    (select coalesce(max(changed_at), 0) from {{ obslake.refresh_table('refresh_loads') }})
    {%- else -%}
    cast(0 as bigint)
    {%- endif -%}
{%- endmacro %}

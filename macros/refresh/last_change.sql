{#- The number of the last change of the loads that are visible; 0 where changes have no numbers. -#}
{% macro last_change() -%}
    {%- set is_run = execute and flags.WHICH in ['run', 'build'] and model.resource_type == 'model' -%}
    {%- if is_run and obslake.refreshes_columns() -%}
    (select coalesce(max(changed_at), 0) from {{ obslake.refresh_table('refresh_loads') }})
    {%- else -%}
    cast(0 as bigint)
    {%- endif -%}
{%- endmacro %}

{#- Hook: find out which problems the model has to build, and remove what it holds of them. Cut off anywhere, it leaves
    problems that are stale still: a version is noted as the last, after the rows. -#}
{% macro begin_refresh() -%}
    {%- if obslake.is_refreshed() -%}
        {%- set statements = [obslake.forget_stale_problems(), obslake.forget_model_snapshot()] -%}
        {%- if not is_incremental() -%}
            {%- do statements.append(obslake.forget_built_versions()) -%}
        {%- endif -%}
        {%- do statements.append(obslake.find_stale_problems()) -%}
        {%- if is_incremental() -%}
            {%- do statements.extend([obslake.forget_stale_versions(), obslake.delete_stale_rows()]) -%}
        {%- endif -%}
        {{ return(obslake.statements(statements)) }}
    {%- endif -%}
{%- endmacro %}

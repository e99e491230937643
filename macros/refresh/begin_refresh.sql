{#- Hook: find out which problems the model has to build, and remove what it holds of them. Cut off anywhere, it leaves
    problems that are stale still: their versions are distrusted before their rows are touched, and kept after them. -#}
{% macro begin_refresh() -%}
    {%- if obslake.is_refreshed() -%}
        {%- set statements = [obslake.forget_stale_problems(), obslake.forget_model_snapshot()] -%}
        {%- if is_incremental() -%}
            {%- do statements.extend([
                obslake.find_stale_problems(),
                obslake.distrust_versions(only_stale=true),
                obslake.delete_stale_rows(),
            ]) -%}
        {%- else -%}
            {%- do statements.extend([obslake.distrust_versions(only_stale=false), obslake.find_stale_problems()]) -%}
        {%- endif -%}
        {{ return(obslake.statement_sequence(statements)) }}
    {%- endif -%}
{%- endmacro %}

{#- Number of stale problems of the model, and of those that it keeps. -#}
{% macro count_marked_problems() -%}
    {%- set row = run_query(
        'select count_if(is_stale), count_if(not is_stale) from ' ~ obslake.refresh_table('refresh_problems')
        ~ " where model = '" ~ model.name ~ "'"
    ).rows[0] -%}
    {{ return({'n_stale': row[0] | int, 'n_kept': row[1] | int}) }}
{%- endmacro %}

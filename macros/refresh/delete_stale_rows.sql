{#- Remove the rows of stale problems, or columns; the model then appends what they are now. -#}
{% macro delete_stale_rows() -%}
    delete from {{ this }}
    {%- if obslake.builds_columns() %}
    where (data_set_id, problem_id, implementation_id) in (
        select data_set_id, problem_id, implementation_id from {{ obslake.refresh_table('refresh_columns') }}
        where model = '{{ model.name }}'
    )
    or (data_set_id, problem_id) in (
        select data_set_id, problem_id from {{ obslake.refresh_table('refresh_problems') }}
        where model = '{{ model.name }}' and is_stale and since = 0
    )
    {%- else %}
    where (data_set_id, problem_id) in (
        select data_set_id, problem_id from {{ obslake.refresh_table('refresh_problems') }}
        where model = '{{ model.name }}' and is_stale
    )
    {%- endif %}
{%- endmacro %}

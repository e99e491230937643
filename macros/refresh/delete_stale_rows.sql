{#- Remove the rows of stale problems; the model then appends what they are now. -#}
{% macro delete_stale_rows() -%}
    delete from {{ this }}
    where (data_set_id, problem_id) in (
        select data_set_id, problem_id from {{ obslake.refresh_table('refresh_problems') }}
        where model = '{{ model.name }}' and is_stale
    )
{%- endmacro %}

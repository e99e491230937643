{#- The rows of stale problems that the model keeps while it builds their stale columns, which are deleted. If a problem
    is built as a whole, none, even if they still stand in a table that is about to be replaced. -#}
{% macro kept_rows() -%}
    (
        select stored.* from {{ this }} as stored
        inner join {{ obslake.refresh_table('refresh_problems') }} as stale
            on
                stale.model = '{{ model.name }}'
                and stale.is_stale
                and stale.since > 0
                and stored.data_set_id = stale.data_set_id
                and stored.problem_id = stale.problem_id
    )
{%- endmacro %}

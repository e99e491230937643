{#- Statement that makes all columns of a problem stale if one of its stale columns is not new: rows of the model may
    already depend on it. -#}
{% macro distrust_moved_columns(changed) -%}
    update {{ obslake.refresh_table('refresh_problems') }} set since = 0
    where model = '{{ model.name }}' and is_stale and since > 0 and (data_set_id, problem_id) in (
        select changed.data_set_id, changed.problem_id
        from ({{ changed }}) as changed
        inner join {{ obslake.refresh_table('refresh_load_problems') }} as earlier
            on
                earlier.source_model = 'stg_observations'
                and changed.data_set_id = earlier.data_set_id
                and changed.problem_id = earlier.problem_id
                and changed.implementation_id = earlier.implementation_id
        inner join {{ obslake.refresh_table('refresh_loads') }} as loads
            on
                earlier.load_id = loads.load_id
                and earlier.revision = loads.revision
                and loads.first_at <= changed.new_since
    )
{%- endmacro %}

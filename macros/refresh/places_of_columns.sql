{#- Query of the columns of stale problems with the place of their revision in its lineage, a row each for now and for
    when the model was built. `is_moved` tells that the two differ, or that the revision has another date or another
    first implementation. -#}
{% macro places_of_columns(order) -%}
    {%- set columns = obslake.refresh_table_columns().refresh_places.keys() | reject('equalto', 'model') | list -%}
    {%- set built = obslake.built_places(model.name) -%}
    {%- for one, other in [(order, built), (built, order)] %}
    select
        one.data_set_id,
        one.problem_id,
        problems.problem_no,
        one.implementation_id,
        one.lineage,
        one.place_in_problem,
        other.place_in_problem is null as is_moved
    from {{ one }} as one
    inner join {{ obslake.refresh_table('refresh_problems') }} as problems
        on
            problems.model = '{{ model.name }}'
            and problems.is_stale
            and problems.since > 0
            and problems.data_set_id = one.data_set_id
            and problems.problem_id = one.problem_id
    left join {{ other }} as other
        on {{ obslake.equal_columns('one', 'other', columns) | indent(8) }}
    {{ 'union all' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

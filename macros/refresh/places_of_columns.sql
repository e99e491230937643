{#- Query of the columns of stale problems with their places among the revisions, now and when the model was built. -#}
{% macro places_of_columns(revisions) -%}
    select
        coalesce(now.data_set_id, built.data_set_id) as data_set_id,
        coalesce(now.problem_id, built.problem_id) as problem_id,
        coalesce(now.lineage, built.lineage) as lineage,
        coalesce(now.environment_id, built.environment_id) as environment_id,
        coalesce(now.implementation_id, built.implementation_id) as implementation_id,
        problems.problem_no,
        now.revision_rank,
        least(
            coalesce(now.revision_rank, built.revision_rank), coalesce(built.revision_rank, now.revision_rank)
        ) as least_rank,
        coalesce(now.revision_rank, 0) <> coalesce(built.revision_rank, 0) as is_moved
    from {{ revisions }} as now
    full outer join (
        select * from {{ obslake.refresh_table('refresh_orders') }} where model = '{{ model.name }}'
    ) as built
        on
            now.data_set_id = built.data_set_id
            and now.problem_id = built.problem_id
            and now.lineage = built.lineage
            and now.environment_id = built.environment_id
            and now.implementation_id = built.implementation_id
    inner join {{ obslake.refresh_table('refresh_problems') }} as problems
        on
            problems.model = '{{ model.name }}'
            and problems.is_stale
            and problems.since > 0
            and problems.data_set_id = coalesce(now.data_set_id, built.data_set_id)
            and problems.problem_id = coalesce(now.problem_id, built.problem_id)
{%- endmacro %}

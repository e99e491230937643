{#- Statement that adds the columns that come after stale ones. -#}
{% macro mark_later_columns(revisions) -%}
    insert into {{ obslake.refresh_table('refresh_columns') }}
    (model, data_set_id, problem_id, problem_no, implementation_id)
    select distinct '{{ model.name }}', later.data_set_id, later.problem_id, firsts.problem_no, later.implementation_id
    from {{ revisions }} as later
    inner join (
        select
            stale.data_set_id,
            stale.problem_id,
            stale.problem_no,
            revisions.lineage,
            revisions.environment_id,
            min(revisions.revision_rank) as revision_rank
        from {{ obslake.refresh_table('refresh_columns') }} as stale
        inner join {{ revisions }} as revisions
            on
                stale.data_set_id = revisions.data_set_id
                and stale.problem_id = revisions.problem_id
                and stale.implementation_id = revisions.implementation_id
        where stale.model = '{{ model.name }}'
        group by
            stale.data_set_id, stale.problem_id, stale.problem_no, revisions.lineage, revisions.environment_id
    ) as firsts
        on
            later.data_set_id = firsts.data_set_id
            and later.problem_id = firsts.problem_id
            and later.lineage = firsts.lineage
            and later.environment_id = firsts.environment_id
            and later.revision_rank > firsts.revision_rank
    where (later.data_set_id, later.problem_id, later.implementation_id) not in (
        select data_set_id, problem_id, implementation_id from {{ obslake.refresh_table('refresh_columns') }}
        where model = '{{ model.name }}'
    )
{%- endmacro %}

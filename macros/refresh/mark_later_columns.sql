{#- Statement that adds the columns that have another place among the revisions than when the model was built, and all
    that come after them or after stale ones. -#}
{% macro mark_later_columns(revisions) -%}
    {%- set columns = obslake.refresh_table('refresh_columns') -%}
    {%- set places -%}
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
    {%- endset -%}
    insert into {{ columns }} (model, data_set_id, problem_id, problem_no, implementation_id)
    with places as ({{ places }}),
    stale as (
        select * from {{ columns }} where model = '{{ model.name }}'
    ),
    firsts as (
        select
            places.data_set_id,
            places.problem_id,
            places.lineage,
            places.environment_id,
            min(places.least_rank) as first_rank
        from places
        left join stale
            on
                places.data_set_id = stale.data_set_id
                and places.problem_id = stale.problem_id
                and places.implementation_id = stale.implementation_id
        where places.is_moved or stale.model is not null
        group by places.data_set_id, places.problem_id, places.lineage, places.environment_id
    )
    select distinct
        '{{ model.name }}', places.data_set_id, places.problem_id, places.problem_no, places.implementation_id
    from places
    inner join firsts
        on
            places.data_set_id = firsts.data_set_id
            and places.problem_id = firsts.problem_id
            and places.lineage = firsts.lineage
            and places.environment_id = firsts.environment_id
            and (places.is_moved or places.revision_rank > firsts.first_rank)
    where (places.data_set_id, places.problem_id, places.implementation_id) not in (
        select data_set_id, problem_id, implementation_id from stale
    )
{%- endmacro %}

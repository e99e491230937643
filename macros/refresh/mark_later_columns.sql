{#- Statement that adds the columns that have another place among the revisions than when the model was built, or a
    revision with another date, and all that come with or after them, or with or after stale ones. -#}
{% macro mark_later_columns(order) -%}
    {%- set columns = obslake.refresh_table('refresh_columns') -%}
    insert into {{ columns }} (model, data_set_id, problem_id, problem_no, implementation_id)
    with places as ({{ obslake.places_of_columns(order) }}),
    stale as (
        select * from {{ columns }} where model = '{{ model.name }}'
    ),
    firsts as (
        select
            places.data_set_id,
            places.problem_id,
            places.lineage,
            min(places.place_in_problem) as first_place
        from places
        left join stale
            on
                places.data_set_id = stale.data_set_id
                and places.problem_id = stale.problem_id
                and places.implementation_id = stale.implementation_id
        where places.is_moved or stale.model is not null
        group by places.data_set_id, places.problem_id, places.lineage
    )
    select distinct
        '{{ model.name }}', places.data_set_id, places.problem_id, places.problem_no, places.implementation_id
    from places
    inner join firsts
        on
            places.data_set_id = firsts.data_set_id
            and places.problem_id = firsts.problem_id
            and places.lineage = firsts.lineage
            and places.place_in_problem >= firsts.first_place
    where (places.data_set_id, places.problem_id, places.implementation_id) not in (
        select data_set_id, problem_id, implementation_id from stale
    )
{%- endmacro %}

{#- Find the problems of which the model's parents, or its own code, have another version than it was built
    from. -#}
{% macro find_stale_problems() -%}
    {%- set parents = obslake.text_literals(obslake.refreshed_parents(model.unique_id)) -%}
    insert into {{ ref('refresh_stale_problems') }}
    with

    parents as (

        select source_model as model, data_set_id, problem_id, version
        from {{ ref('refresh_source_versions') }}
        where source_model in ({{ parents }})
        union all
        select model, data_set_id, problem_id, version
        from {{ ref('refresh_built_versions') }}
        where model in ({{ parents }})

    ),

    wanted as (

        select
            data_set_id,
            problem_id,
            md5(concat_ws(
                ':',
                {{ obslake.signature("md5(concat_ws(':', model, version))") }},
                '{{ local_md5(model.raw_code) }}'
            )) as version
        from parents
        group by data_set_id, problem_id

    ),

    built as (

        select data_set_id, problem_id, version
        from {{ ref('refresh_built_versions') }}
        where model = '{{ model.name }}'

    )

    select
        '{{ model.name }}' as model,
        numbers.data_set_id,
        numbers.problem_id,
        wanted.version,
        numbers.problem_no
    from wanted
    full outer join built
        on wanted.data_set_id = built.data_set_id and wanted.problem_id = built.problem_id
    inner join {{ ref('refresh_problem_numbers') }} as numbers
        on
            coalesce(wanted.data_set_id, built.data_set_id) = numbers.data_set_id
            and coalesce(wanted.problem_id, built.problem_id) = numbers.problem_id
    where coalesce(wanted.version, '') <> coalesce(built.version, '')
{%- endmacro %}

{#- Query with a row per problem that the model holds or should hold: `version`, which it has been built as, and
    `wanted`, a hash of the versions of the model's parents, and of its own code. Null where there is none. `common` and
    `wanted_common` are the same for what concerns all columns of the problem. The rows include all changes of loads up
    to `built_at`. -#}
{% macro compared_versions() -%}
    {%- set parents = obslake.text_literals(obslake.refreshed_parents(model.unique_id)) -%}
    select
        coalesce(wanted.data_set_id, built.data_set_id) as data_set_id,
        coalesce(wanted.problem_id, built.problem_id) as problem_id,
        built.version,
        wanted.version as wanted,
        built.common,
        wanted.common as wanted_common,
        built.built_at,
        wanted.built_at as wanted_at
    from (
        select
            parents.data_set_id,
            parents.problem_id,
            md5(concat_ws(
                ':',
                {{ obslake.signature("concat_ws(':', parents.model, parents.version)") }},
                max(models.wanted_code)
            )) as version,
            md5(concat_ws(
                ':',
                {{ obslake.signature("parents.model || ':' || parents.common") }},
                max(models.wanted_code)
            )) as common,
            min(parents.built_at) as built_at
        from (
            select
                source_model as model,
                data_set_id,
                problem_id,
                version,
                common,
                changed_at as built_at
            from {{ obslake.refresh_table('refresh_source_versions') }}
            where source_model in ({{ parents }})
            union all
            select model, data_set_id, problem_id, version, common, built_at
            from {{ obslake.refresh_table('refresh_problems') }}
            where model in ({{ parents }}) and version is not null
        ) as parents
        inner join {{ obslake.refresh_table('refresh_models') }} as models on models.model = '{{ model.name }}'
        group by parents.data_set_id, parents.problem_id
    ) as wanted
    full outer join (
        select data_set_id, problem_id, version, common, built_at
        from {{ obslake.refresh_table('refresh_problems') }}
        where model = '{{ model.name }}'
    ) as built
        on wanted.data_set_id = built.data_set_id and wanted.problem_id = built.problem_id
{%- endmacro %}

{#- Query with a row per model and problem that it holds or should hold: `version`, which it has been built as, and
    `wanted`, a hash of the versions of the model's parents, and of its own code. Null where there is none. `common` and
    `wanted_common` are the same for what concerns all columns of the problem. The rows include all changes of loads up
    to `built_at`. -#}
{% macro compared_versions(unique_ids) -%}
    {%- set edges = obslake.refresh_edges(unique_ids) -%}
    {%- set names = obslake.text_literals(edges | map('first') | unique) -%}
    {%- set parents = obslake.text_literals(edges | map('last') | unique) -%}
    select
        coalesce(wanted.model, built.model) as model,
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
            edges.model,
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
        inner join (values {{ obslake.rows_of_literals(edges) }}) as edges (model, parent)
            on parents.model = edges.parent
        inner join {{ obslake.refresh_table('refresh_models') }} as models on edges.model = models.model
        group by edges.model, parents.data_set_id, parents.problem_id
    ) as wanted
    full outer join (
        select model, data_set_id, problem_id, version, common, built_at
        from {{ obslake.refresh_table('refresh_problems') }}
        where model in ({{ names }})
    ) as built
        on
            wanted.model = built.model
            and wanted.data_set_id = built.data_set_id
            and wanted.problem_id = built.problem_id
{%- endmacro %}

{#- Query with one row per model and problem that it contains or should contain: `version`, the version that was built,
    and `wanted`, a hash of the versions of the model's parents and of its code. Null if there is none. -#}
{% macro versions_of(names) -%}
    {%- set edges, parents = [], [] -%}
    {%- for name in names if 'model.obslake.' ~ name in graph.nodes -%}
        {%- for parent in obslake.refreshed_parents('model.obslake.' ~ name) -%}
            {%- set code = graph['obslake_refresh'].models[name].code -%}
            {%- do edges.append("('" ~ name ~ "', '" ~ parent ~ "', '" ~ code ~ "')") -%}
            {%- do parents.append(parent) -%}
        {%- endfor -%}
    {%- endfor -%}
    select
        coalesce(wanted.model, built.model) as model,
        coalesce(wanted.data_set_id, built.data_set_id) as data_set_id,
        coalesce(wanted.problem_id, built.problem_id) as problem_id,
        built.version,
        wanted.version as wanted
    from (
        select
            edges.model,
            parents.data_set_id,
            parents.problem_id,
            md5(concat_ws(
                ':', max(edges.code), array_sort(collect_list(concat_ws(':', parents.model, parents.version)))
            )) as version
        from (
            select source_model as model, data_set_id, problem_id, version
            from {{ obslake.refresh_table('refresh_source_versions') }}
            where source_model in ({{ obslake.text_literals(parents | unique) }})
            union all
            select model, data_set_id, problem_id, version
            from {{ obslake.refresh_table('refresh_problems') }}
            where model in ({{ obslake.text_literals(parents | unique) }})
        ) as parents
        inner join (values {{ edges | join(', ') }}) as edges (model, parent, code) on parents.model = edges.parent
        group by edges.model, parents.data_set_id, parents.problem_id
    ) as wanted
    full outer join (
        select model, data_set_id, problem_id, version
        from {{ obslake.refresh_table('refresh_problems') }}
        where model in ({{ obslake.text_literals(names) }})
    ) as built
        on
            wanted.model = built.model
            and wanted.data_set_id = built.data_set_id
            and wanted.problem_id = built.problem_id
{%- endmacro %}

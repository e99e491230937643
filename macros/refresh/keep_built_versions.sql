{#- Keep which versions the model holds now, and none of problems that are gone. -#}
{% macro keep_built_versions() -%}
    merge into {{ ref('refresh_built_versions') }} as built
    using (
        select model, data_set_id, problem_id, version
        from {{ ref('refresh_stale_problems') }}
        where model = '{{ model.name }}'
    ) as stale
        on
            built.model = stale.model
            and built.data_set_id = stale.data_set_id
            and built.problem_id = stale.problem_id
    when matched and stale.version is null then delete
    when matched then update set version = stale.version
    when not matched and stale.version is not null then
        insert (model, data_set_id, problem_id, version)
        values (stale.model, stale.data_set_id, stale.problem_id, stale.version)
{%- endmacro %}

{#- Statement that stores the versions of the problems of a table that is built as a whole. -#}
{% macro write_own_versions(versions) -%}
    {{ return(adapter.dispatch('write_own_versions', 'obslake')(versions)) }}
{%- endmacro %}

{% macro default__write_own_versions(versions) -%}
    {{ exceptions.raise_compiler_error('write_own_versions does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__write_own_versions(versions) -%}
    {%- set common = 'changed.version' if model.config.meta.concerns_all_columns else "''" -%}
    merge into {{ obslake.refresh_table('refresh_problems') }} as known
    using (
        select
            coalesce(built.data_set_id, former.data_set_id) as data_set_id,
            coalesce(built.problem_id, former.problem_id) as problem_id,
            built.version
        from ({{ versions }}) as built
        full outer join (
            select data_set_id, problem_id, version from {{ obslake.refresh_table('refresh_problems') }}
            where model = '{{ model.name }}'
        ) as former
            on built.data_set_id = former.data_set_id and built.problem_id = former.problem_id
        where coalesce(built.version, '') <> coalesce(former.version, '')
    ) as changed
        on
            known.model = '{{ model.name }}'
            and known.data_set_id = changed.data_set_id
            and known.problem_id = changed.problem_id
    when matched then update set version = changed.version, common = {{ common }}
    when not matched then insert (model, data_set_id, problem_id, version, common, is_stale)
    values ('{{ model.name }}', changed.data_set_id, changed.problem_id, changed.version, {{ common }}, false)
{%- endmacro %}

{% macro spark__write_own_versions(versions) -%}
    {#- Models that read the table ask for its versions again. -#}
    {%- do obslake.refresh_state().built.append(model.name) -%}
    {%- set rows -%}
        select '{{ model.name }}', data_set_id, problem_id, cast(null as int), version, version, false
        from ({{ versions }}) as built
    {%- endset -%}
    {{ obslake.write_versions(rows) }}
{%- endmacro %}

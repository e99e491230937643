{#- Statement that marks the stale problems of the model. They have a unique version until they are built, so that an
    interrupted run leaves them stale, including removed ones. -#}
{% macro mark_stale_versions() -%}
    {%- set versions -%}
        select
            versions.model,
            versions.data_set_id,
            versions.problem_id,
            numbers.problem_no,
            case when wanted = version then version else '{{ invocation_id }}' end,
            wanted,
            coalesce(wanted <> version, true)
        from ({{ obslake.versions_of([model.name]) }}) as versions
        inner join {{ obslake.refresh_table('refresh_problem_numbers') }} as numbers
            on versions.data_set_id = numbers.data_set_id and versions.problem_id = numbers.problem_id
    {%- endset -%}
    {{ obslake.write_versions(versions) }}
{%- endmacro %}

{#- Statement that stores the versions of a model after all problems were built. -#}
{% macro keep_all_versions() -%}
    {%- set versions -%}
        select versions.model, versions.data_set_id, versions.problem_id, numbers.problem_no, wanted, wanted, true
        from ({{ obslake.versions_of([model.name]) }}) as versions
        inner join {{ obslake.refresh_table('refresh_problem_numbers') }} as numbers
            on versions.data_set_id = numbers.data_set_id and versions.problem_id = numbers.problem_id
        where wanted is not null
    {%- endset -%}
    {{ obslake.write_versions(versions) }}
{%- endmacro %}

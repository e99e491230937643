{#- Statement that stores the wanted versions of the model after its stale problems were built. Removed problems have
    none. -#}
{% macro keep_built_versions() -%}
    {%- set versions -%}
        select model, data_set_id, problem_id, problem_no, wanted, wanted, is_stale
        from {{ obslake.refresh_table('refresh_problems') }}
        where model = '{{ model.name }}' and wanted is not null
    {%- endset -%}
    {{ obslake.write_versions(versions) }}
{%- endmacro %}

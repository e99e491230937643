{#- Hook: keep a version of each problem in the table that is run, a hash of its rows. Such a table is always built as
    a whole, because rows of one problem depend on other problems. Models that read it are stale where its rows
    changed. -#}
{% macro keep_own_versions() -%}
    {%- if obslake.reads_lakehouse() -%}
    {%- set versions -%}
        select
            stored.data_set_id,
            stored.problem_id,
            {{ obslake.signature_of_rows('stored', model.columns) }} as version
        from {{ this }} as stored
        group by stored.data_set_id, stored.problem_id
    {%- endset -%}
    {{ obslake.write_own_versions(versions) }}
    {%- endif -%}
{%- endmacro %}

{#- Hook: keep a version of each problem in the table that is run, a hash of its rows, or of the columns that
    `meta.own_version` lists. Such a table is always built as a whole, because rows of one problem depend on other
    problems. Models that read it are stale where its rows changed; with `meta.concerns_all_columns`, all columns
    are. -#}
{% macro keep_own_versions() -%}
    {%- if obslake.reads_lakehouse() -%}
    {%- set listed = model.config.meta.own_version -%}
    {%- set versions -%}
        select
            stored.data_set_id,
            stored.problem_id,
            {{ obslake.signature_of_rows('stored', listed if listed is sequence else model.columns) }} as version
        from {{ this }} as stored
        group by stored.data_set_id, stored.problem_id
    {%- endset -%}
    {{ obslake.write_own_versions(versions) }}
    {%- endif -%}
{%- endmacro %}

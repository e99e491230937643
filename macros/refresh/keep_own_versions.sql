{#- Hook: keep a version of each problem in the table that is run, a hash of its rows. Such a table is always built as
    a whole, because rows of one problem depend on other problems. Models that read it are stale where its rows
    changed. -#}
{% macro keep_own_versions() -%}
    {%- if obslake.reads_lakehouse() -%}
    {%- set cells = [] -%}
    {%- for column in model.columns -%}
        {%- do cells.append("coalesce(md5(cast(stored." ~ column ~ " as string)), '-')") -%}
    {%- endfor -%}
    {%- set versions -%}
        select
            stored.data_set_id,
            stored.problem_id,
            {{ obslake.signature("md5(concat_ws(':', " ~ cells | join(', ') ~ "))") }} as version
        from {{ this }} as stored
        group by stored.data_set_id, stored.problem_id
    {%- endset -%}
    {{ obslake.write_own_versions(versions) }}
    {%- endif -%}
{%- endmacro %}

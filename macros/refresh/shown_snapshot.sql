{#- Relation with the snapshot of observations from which the versions of problems were read last, and the hash of what
    is in it; without a row where the rows are a relation of another project. -#}
{% macro shown_snapshot() -%}
    (
        select snapshot_id, digest from {{ obslake.refresh_table('refresh_models') }}
        where model = 'refresh_source_versions'
    )
{%- endmacro %}

{#- Relation with one row, the snapshot of observations that is shown and the hash of what is in it; nulls where the
    rows are a relation of another project. -#}
{% macro shown_snapshot() -%}
    {%- if var('obslake_observations') -%}
        (select cast(null as bigint) as snapshot_id, cast(null as string) as digest)
    {%- else -%}
        {{ source('obslake', 'shown') }}
    {%- endif -%}
{%- endmacro %}

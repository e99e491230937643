{#- Hook: keep from which snapshot the versions of problems are read. -#}
{% macro keep_shown_snapshot() -%}
    {%- if execute and not var('obslake_observations') -%}
    merge into {{ obslake.refresh_table('refresh_models') }} as models
    using {{ source('obslake', 'shown') }} as shown
        on models.model = 'refresh_source_versions'
    when matched then update set snapshot_id = shown.snapshot_id, digest = shown.digest
    when not matched then insert (model, snapshot_id, digest)
    values ('refresh_source_versions', shown.snapshot_id, shown.digest)
    {%- endif -%}
{%- endmacro %}

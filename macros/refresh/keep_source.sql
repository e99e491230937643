{#- Keep from which snapshot, and by which code and rules, the model is built. -#}
{% macro keep_source() -%}
    merge into {{ obslake.refresh_table('refresh_models') }} as models
    using {{ obslake.shown_snapshot() }} as shown
        on models.model = '{{ model.name }}'
    when matched then update set
        code = models.wanted_code,
        docs = '{{ obslake.docs_version(model) }}',
        snapshot_id = shown.snapshot_id,
        digest = shown.digest,
        rules = {{ obslake.text_literal(tojson(obslake.rules())) }}
{%- endmacro %}

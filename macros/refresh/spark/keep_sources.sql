{#- Hook: store the snapshot, code and rules with which the models were built, in one statement at the end of the run.
    If a run is interrupted, the next one stores them. -#}
{% macro keep_sources() -%}
    {%- set sources = graph.get('obslake_refresh', {}).get('sources', {}) if execute else {} -%}
    {%- if sources and graph['obslake_refresh'].run == invocation_id -%}
    merge into {{ obslake.refresh_table('refresh_models') }} as models
    using (
        select built.model, built.docs, shown.snapshot_id, shown.digest
        from (values
            {%- for name, docs in sources.items() %} ('{{ name }}', '{{ docs }}'){{ ',' if not loop.last }}{% endfor -%}
        ) as built (model, docs)
        cross join {{ obslake.shown_snapshot() }} as shown
    ) as built
        on models.model = built.model
    when matched then update set
        code = models.wanted_code,
        docs = built.docs,
        snapshot_id = built.snapshot_id,
        digest = built.digest,
        rules = {{ obslake.text_literal(tojson(obslake.rules())) }}
    {%- endif -%}
{%- endmacro %}

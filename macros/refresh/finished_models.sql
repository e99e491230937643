{#- The models that have nothing to do as long as this run has built nothing. They are found once, by one query, because
    dbt's own time for a query exceeds the engine's. Models under a table with versions of its own are not among them:
    this run writes these versions. -#}
{% macro finished_models() -%}
    {%- set run = graph.get('obslake_run', {'is_changed': true}) -%}
    {%- if run.is_changed -%}
        {{ return([]) }}
    {%- endif -%}
    {%- if 'finished' not in run -%}
        {%- set unique_ids, docs, own = [], [], [] -%}
        {%- for node in graph.nodes.values() if node.config.meta.own_version -%}
            {%- do own.append(node.name) -%}
        {%- endfor -%}
        {%- for unique_id, node in graph.nodes.items() if node.config.materialized == 'by_problem' -%}
            {%- if not obslake.refreshed_parents(unique_id) | select('in', own) | list -%}
                {%- do unique_ids.append(unique_id) -%}
                {%- do docs.append([node.name, obslake.docs_version(node)]) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set found = run_query(
            "select models.model
            from " ~ obslake.refresh_table('refresh_models') ~ " as models
            inner join " ~ obslake.shown_snapshot() ~ " as shown on " ~ obslake.is_same_source() ~ "
            inner join (values " ~ obslake.rows_of_literals(docs) ~ ") as described (model, docs)
                on models.model = described.model and models.docs = described.docs
            where
                models.code = models.wanted_code
                and models.model not in (
                    select model from (" ~ obslake.compared_versions(unique_ids) ~ ") as versions
                    where coalesce(wanted, '') <> coalesce(version, '')
                )"
        ) -%}
        {%- do run.update({'finished': found.columns[0].values() | list}) -%}
    {%- endif -%}
    {{ return(run.finished) }}
{%- endmacro %}

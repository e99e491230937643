{#- Whether the view or function of the model exists, created from the same query as now, with the same comments. -#}
{% macro has_definition(sql) -%}
    {%- set run = graph.get('obslake_run', {}) -%}
    {%- if should_full_refresh() or run.get('definitions', {}).get(model.name) != obslake.definition_version(sql) -%}
        {{ return(false) }}
    {%- elif model.config.materialized == 'view' -%}
        {%- set existing = load_cached_relation(this) -%}
        {{ return(existing is not none and existing.is_view) }}
    {%- endif -%}
    {%- if 'functions' not in run -%}
        {%- set found = run_query(
            "select schema_name || '.' || function_name from duckdb_functions() where function_type = 'table_macro'"
        ) -%}
        {%- do run.update({'functions': found.columns[0].values()}) -%}
    {%- endif -%}
    {{ return(this.schema ~ '.' ~ this.identifier in run.functions) }}
{%- endmacro %}

{#- Operation: expire the snapshots of the marts, and of the tables below them, that are older than a time in UTC
    (default: now), with the files that no other snapshot needs. DuckDB's marts have no snapshots. -#}
{% macro expire_marts(older_than=none) -%}
    {%- set moment = older_than or modules.datetime.datetime.now(modules.pytz.utc) -%}
    {{ return(adapter.dispatch('expire_marts', 'obslake')(moment)) }}
{%- endmacro %}

{% macro default__expire_marts(older_than) -%}
    {{ exceptions.raise_compiler_error('the marts have no snapshots on ' ~ target.type) }}
{%- endmacro %}

{% macro spark__expire_marts(older_than) -%}
    {%- set tables = [obslake.refresh_table('refresh_problems'), obslake.refresh_table('refresh_models')] -%}
    {%- set stored = ['by_problem', 'incremental', 'seed', 'table'] -%}
    {%- for node in graph.nodes.values() if node.config.materialized in stored -%}
        {%- do tables.append(api.Relation.create(schema=node.schema, identifier=node.alias)) -%}
    {%- endfor -%}
    {%- for table in tables -%}
        {%- set relation = load_relation(table) -%}
        {%- if relation and relation.is_table -%}
            {%- do run_query(
                'call obslake.system.expire_snapshots(table => ' ~ obslake.text_literal(relation | string)
                ~ ', older_than => timestamp ' ~ obslake.text_literal(older_than | string) ~ ', retain_last => 1)'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- A table of the refresh, without an edge in the lineage, which shows where data flows and nothing else: a model, or a
    table in which the refresh keeps what it knows: `refresh_problems`, a row per model and problem, and
    `refresh_models`, a row per model. -#}
{% macro refresh_table(name) -%}
    {%- set neighbour = graph.nodes['model.obslake.refresh_source_versions'] -%}
    {{ return(api.Relation.create(
        database=neighbour.database, schema=neighbour.schema, identifier=name, type='table'
    )) }}
{%- endmacro %}

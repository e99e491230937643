{#- A table of the refresh, without an edge in the lineage, which shows where data flows and nothing else: a model, or a
    table that `begin_refresh` makes: `refresh_problems`, a row per model and problem, `refresh_models`, a row per
    model, and where the engine refreshes columns `refresh_loads`, `refresh_columns`,
    `refresh_contents` and `refresh_places`. -#}
{% macro refresh_table(name) -%}
    {%- set neighbour = graph.nodes['model.obslake.refresh_source_versions'] -%}
    {{ return(api.Relation.create(
        database=neighbour.database, schema=neighbour.schema, identifier=name, type='table'
    )) }}
{%- endmacro %}

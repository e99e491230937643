{#- Statements that add columns to the table of a seed, if there is one, which an earlier version did not have. -#}
{% macro add_seed_columns(seed) -%}
    {%- set relation = api.Relation.create(
        database=seed.database, schema=seed.schema, identifier=seed.alias, type='table'
    ) -%}
    {%- for name, type in seed.config.column_types.items() -%}
        alter table if exists {{ relation }} add column if not exists {{ name }} {{ type }}{{ ';' if not loop.last }}
    {% endfor -%}
{%- endmacro %}

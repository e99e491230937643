{#- Hook: load the seed before the models read it, so that `dbt run` alone uses its current content. Engines that cannot
    read a file of the project need `dbt seed`. -#}
{% macro seed_response_equivalences() -%}
    {%- set seed = graph.nodes.get('seed.obslake.response_equivalences') if execute else none -%}
    {%- if seed and flags.WHICH == 'run' and target.type == 'duckdb' and obslake.reads_lakehouse() -%}
        {%- set relation = api.Relation.create(
            database=seed.database, schema=seed.schema, identifier=seed.alias, type='table'
        ) -%}
        {%- set columns = seed.config.column_types -%}
        {%- set file = seed.root_path ~ '/' ~ seed.original_file_path -%}
        create schema if not exists {{ relation.without_identifier() }};
        create table if not exists {{ relation }} (
            {%- for name, type in columns.items() %}{{ name }} {{ type }}{{ ', ' if not loop.last }}{% endfor -%}
        );
        delete from {{ relation }};
        insert into {{ relation }} by name
        select * from read_csv(
            {{ obslake.text_literal(file) }},
            header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
            columns = {
                {%- for name, type in columns.items() %}
                '{{ name }}': '{{ type }}'{{ ', ' if not loop.last }}
                {%- endfor %}
            }
        )
    {%- endif -%}
{%- endmacro %}

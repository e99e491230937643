{#- Statements that load one seed from its file, every column as the text that its type is. A file of an earlier version
    may lack columns, which are then null. -#}
{% macro load_seed(seed) -%}
    {%- set relation = api.Relation.create(
        database=seed.database, schema=seed.schema, identifier=seed.alias, type='table'
    ) -%}
    {%- set columns = seed.config.column_types -%}
    {%- set file = seed.root_path ~ '/' ~ seed.original_file_path -%}
    create schema if not exists {{ relation.without_identifier() }};
    create table if not exists {{ relation }} (
        {%- for name, type in columns.items() %}{{ name }} {{ type }}{{ ', ' if not loop.last }}{% endfor -%}
    );
    {{ obslake.add_seed_columns(seed) }};
    delete from {{ relation }};
    insert into {{ relation }} by name
    select * from read_csv(
        {{ obslake.text_literal(file) }},
        header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
        columns = {
            {%- for name in obslake.seed_header(seed, file) %}
            '{{ name }}': '{{ columns[name] }}'{{ ', ' if not loop.last }}
            {%- endfor %}
        }
    )
{%- endmacro %}

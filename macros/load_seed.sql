{#- Statements that load one seed from its file, every column as the text that its type is. -#}
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
{%- endmacro %}

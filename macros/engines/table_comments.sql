{#- Statements that store the descriptions of the model and its columns in the database, unless the statement that
    creates the table or view stores them. -#}
{% macro table_comments(table, kind='table') -%}
    {%- set statements = [] -%}
    {%- if target.type == 'duckdb' and config.persist_relation_docs() -%}
        {%- do statements.append(
            'comment on ' ~ kind ~ ' ' ~ table ~ ' is ' ~ obslake.text_literal(model.description)
        ) -%}
    {%- endif -%}
    {%- if target.type == 'duckdb' and config.persist_column_docs() -%}
        {%- for name, column in model.columns.items() -%}
            {%- do statements.append(
                'comment on column ' ~ table ~ '.' ~ adapter.quote(name)
                ~ ' is ' ~ obslake.text_literal(column.description)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(statements) }}
{%- endmacro %}

{#- Override of dbt's macro: query of the rows that a unit test has instead of a relation. dbt's union of one query per
    row costs Spark a task per row and use: there, the rows are one list of values. -#}
{% macro get_fixture_sql(rows, column_name_to_data_types) -%}
    {{ return(adapter.dispatch('get_fixture_sql', 'obslake')(rows, column_name_to_data_types)) }}
{%- endmacro %}

{% macro default__get_fixture_sql(rows, column_name_to_data_types) -%}
    {{ return(dbt.get_fixture_sql(rows, column_name_to_data_types)) }}
{%- endmacro %}

{% macro spark__get_fixture_sql(rows, column_name_to_data_types) -%}
    {%- set types, nulls, complete = {}, {}, [] -%}
    {%- for column in adapter.get_columns_in_relation(this) if rows and not column_name_to_data_types -%}
        {%- do types.update({column.name | lower: column.data_type}) -%}
        {%- do nulls.update({column.name | lower: safe_cast('null', column.data_type) | trim}) -%}
    {%- endfor -%}
    {%- if not types -%}
        {{ return(dbt.get_fixture_sql(rows, column_name_to_data_types)) }}
    {%- endif -%}
    {%- for row in rows -%}
        {%- do complete.append(dict(nulls, **dbt.format_row(obslake.escaped_row(row), types))) -%}
    {%- endfor -%}
    {{ return(obslake.list_of_values(complete)) }}
{%- endmacro %}

{#- A row for dbt's `format_row`, which leaves backslashes as they are: they are escapes in Spark's literals. -#}
{% macro escaped_row(row) -%}
    {%- set escaped = {} -%}
    {%- for name, value in row.items() -%}
        {%- do escaped.update({name: value.replace('\\', '\\\\') if value is string else value}) -%}
    {%- endfor -%}
    {{ return(escaped) }}
{%- endmacro %}

{#- Query of rows, which are dictionaries of expressions by the names of the columns. -#}
{% macro list_of_values(rows) -%}
    {%- set names = [] -%}
    {%- for name in rows[0] -%} {%- do names.append(adapter.quote(name)) -%} {%- endfor -%}
    select * from values
    {%- for row in rows %}
    ({{ row.values() | join(', ') }}){{ ',' if not loop.last }}
    {%- endfor %}
    as given ({{ names | join(', ') }})
{%- endmacro %}

{#- Override of dbt's macro: query of the rows that a unit test expects; on Spark, as for `get_fixture_sql`. -#}
{% macro get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) -%}
    {%- set expected_sql = adapter.dispatch('get_expected_sql', 'obslake') -%}
    {{ return(expected_sql(rows, column_name_to_data_types, column_name_to_quoted)) }}
{%- endmacro %}

{% macro default__get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) -%}
    {{ return(dbt.get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted)) }}
{%- endmacro %}

{% macro spark__get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) -%}
    {%- if not rows -%}
        {{ return(dbt.get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted)) }}
    {%- endif -%}
    {%- set formatted = [] -%}
    {%- for row in rows -%}
        {%- do formatted.append(dbt.format_row(obslake.escaped_row(row), column_name_to_data_types)) -%}
    {%- endfor -%}
    {{ return(obslake.list_of_values(formatted)) }}
{%- endmacro %}

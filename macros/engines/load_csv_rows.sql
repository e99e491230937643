{#- Insert the rows of a seed. Spark's macro writes empty fields as the text None and does not escape quotes. DuckDB's
    copies columns by their position, but the table of an earlier version has its columns in another order. -#}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model.config.column_types -%}
    {%- if agate_table.rows -%}
        {%- set rows -%}
            insert into {{ this }} values
            {% for row in agate_table.rows -%}
            (
                {%- for name in agate_table.column_names -%}
                {%- set value = row[name] -%}
                cast({{ 'null' if value is none else obslake.text_literal(value | string) }} as {{ types[name] }})
                {{- ', ' if not loop.last }}
                {%- endfor -%}
            ){{ ', ' if not loop.last }}
            {% endfor %}
        {%- endset -%}
        {%- do run_query(rows) -%}
        {{ return(rows) }}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__load_csv_rows(model, agate_table) -%}
    {%- set rows -%}
        copy {{ this }} ({{ agate_table.column_names | join(', ') }})
        from {{ obslake.text_literal(adapter.get_seed_file_path(model)) }} (format csv, header true, delimiter ',')
    {%- endset -%}
    {%- do adapter.add_query(rows, abridge_sql_log=true) -%}
    {{ return(rows) }}
{%- endmacro %}

{#- Drop the tables of the refresh if an earlier version made one of them, with fewer columns. Returns whether one
    did. -#}
{% macro drop_outdated_state() -%}
    {#- The last one is dropped last: a run that is cut off in between is repeated. -#}
    {%- set columns = {
        'refresh_load_problems': 'implementation_id',
        'refresh_source_versions': 'changed_at',
        'refresh_problems': 'since' if obslake.refreshes_columns() else 'version',
    } -%}
    {%- set tables, outdated = [], [] -%}
    {%- for name, column in columns.items() -%}
        {%- set table = load_relation(obslake.refresh_table(name)) -%}
        {%- if table -%}
            {%- do tables.append(table) -%}
            {%- if column not in run_query('select * from ' ~ table ~ ' where 1 = 0').column_names -%}
                {%- do outdated.append(name) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if outdated and 'model.obslake.refresh_source_versions' not in selected_resources -%}
        {%- do exceptions.raise_compiler_error(
            'the marts were built by an earlier version of obslake: run `dbt run` once without --select or --exclude'
        ) -%}
    {%- endif -%}
    {%- for table in tables if outdated -%} {%- do adapter.drop_relation(table) -%} {%- endfor -%}
    {{ return(outdated | length > 0) }}
{%- endmacro %}

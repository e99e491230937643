{#- A hash for each model that is refreshed problem by problem, of all that decides its rows apart from data: its code
    and that of all models above it, every macro that they reach, the contracts, the variables, and the engine. Adds the
    hashes of these parts to `known`, by ids. -#}
{% macro code_versions(known) -%}
    {%- set versions = {} -%}
    {#- These decide which rows a refresh leaves as they are. dbt does not tell which macros a materialization uses. -#}
    {%- set machinery = {} -%}
    {%- for name in ['compared_versions', 'delete_stale_rows', 'keep_contents', 'keep_loads', 'keep_places',
        'kept_rows', 'mark_stale_columns', 'mark_stale_problems', 'refresh_table_columns', 'remember_contents']
        if obslake.refreshes_columns() -%}
        {%- do obslake.add_code_of_macro('macro.obslake.' ~ name, machinery) -%}
    {%- endfor -%}
    {%- set rules = local_md5(tojson([target.type, obslake.rules(), machinery.items() | sort])) -%}
    {%- for unique_id, node in graph.nodes.items() if node.config.materialized == 'by_problem' -%}
        {%- set parts = obslake.code_of(unique_id, known) -%}
        {%- do versions.update({node.name: local_md5(rules ~ parts.items() | sort | join)}) -%}
    {%- endfor -%}
    {{ return(versions) }}
{%- endmacro %}

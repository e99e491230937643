{#- Drop the tables and views of models that have another name now or are gone, each in the schema of a model of today,
    and those in which earlier versions kept what the refresh knows. Returns whether an earlier version was the last to
    build. -#}
{% macro drop_renamed_tables() -%}
    {%- set renamed = {
        'int_cluster_cells': 'int_representative_cells',
        'int_final_responses': 'int_responses',
        'int_matrix_columns': 'int_implementation_signatures',
        'int_response_members': 'int_json_nodes',
        'int_run_columns': 'int_run_signatures',
        'int_run_responses': 'int_responses',
        'int_test_columns': 'int_test_separations',
        'refresh_built_versions': 'refresh_source_versions',
        'refresh_model_snapshots': 'refresh_source_versions',
        'refresh_orders': 'refresh_source_versions',
        'refresh_shown_snapshot': 'refresh_source_versions',
        'refresh_stale_problems': 'refresh_source_versions',
    } -%}
    {%- set dropped = [] -%}
    {%- for old, new in renamed.items() -%}
        {%- set node = graph.nodes['model.obslake.' ~ new] -%}
        {%- set table = adapter.get_relation(database=node.database, schema=node.schema, identifier=old) -%}
        {%- if table -%}
            {%- do adapter.drop_relation(table) -%}
            {%- do dropped.append(old) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set is_outdated = obslake.drop_outdated_state() or obslake.drop_unpartitioned_versions() -%}
    {{ return(is_outdated or 'refresh_built_versions' in dropped) }}
{%- endmacro %}

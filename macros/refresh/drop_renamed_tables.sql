{#- Hook: drop the tables of models that have another name now. Nothing reads them any more. -#}
{% macro drop_renamed_tables() -%}
    {%- set renamed = {
        'int_cluster_cells': 'int_representative_cells',
        'int_final_responses': 'int_run_responses',
        'int_matrix_columns': 'int_implementation_signatures',
        'int_response_members': 'int_json_nodes',
        'int_run_columns': 'int_run_signatures',
        'int_test_columns': 'int_test_separations',
    } -%}
    {%- for old, new in renamed.items() if execute -%}
        {%- set node = graph.nodes['model.obslake.' ~ new] -%}
        {%- set table = adapter.get_relation(database=node.database, schema=node.schema, identifier=old) -%}
        {%- if table -%} {%- do adapter.drop_relation(table) -%} {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- The columns of each table of the refresh that is not a model, with their types. -#}
{% macro refresh_table_columns() -%}
    {%- set tables = {
        'refresh_problems': {
            'model': 'string', 'data_set_id': 'string', 'problem_id': 'string', 'problem_no': 'int',
            'version': 'string', 'wanted': 'string', 'is_stale': 'boolean',
        },
        'refresh_models': {
            'model': 'string', 'code': 'string', 'wanted_code': 'string', 'docs': 'string',
            'snapshot_id': 'bigint', 'digest': 'string', 'rules': 'string',
        },
    } -%}
    {%- if obslake.refreshes_columns() -%}
        {%- do tables['refresh_problems'].update({
            'common': 'string', 'wanted_common': 'string',
            'built_at': 'bigint', 'wanted_at': 'bigint', 'since': 'bigint',
        }) -%}
        {%- do tables.update({
            'refresh_loads': {
                'load_id': 'string', 'revision': 'string', 'is_shown': 'boolean',
                'first_at': 'bigint', 'changed_at': 'bigint',
            },
            'refresh_columns': {
                'model': 'string', 'data_set_id': 'string', 'problem_id': 'string', 'problem_no': 'int',
                'implementation_id': 'string',
            },
            'refresh_places': {
                'model': 'string', 'data_set_id': 'string', 'problem_id': 'string', 'implementation_id': 'string',
                'lineage': 'string', 'place_in_problem': 'bigint', 'revised_at': obslake.timestamp_type(),
                'first_implementation_id': 'string',
            },
            'refresh_contents': {
                'model': 'string', 'data_set_id': 'string', 'problem_id': 'string', 'content': 'string',
            },
        }) -%}
    {%- endif -%}
    {{ return(tables) }}
{%- endmacro %}

{#- The mart with the names of a kind, and the columns that they are in. -#}
{% macro mart_of_names(kind) -%}
    {{ return({
        'data set': [ref('problems'), ['data_set_id']],
        'problem': [ref('problems'), ['problem_id']],
        'implementation': [ref('stimulus_response_cube'), ['implementation_id']],
        'lineage': [ref('implementations'), ['lineage']],
        'executed revision': [ref('implementations'), ['revision']],
        'executed revision or implementation': [ref('implementations'), ['revision', 'implementation_id']],
        'run': [ref('runs'), ['run_id']],
        'environment': [ref('runs'), ['environment_id']],
        'branch': [ref('runs'), ['git_branch']],
    }[kind]) }}
{%- endmacro %}

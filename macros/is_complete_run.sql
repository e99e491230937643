{#- Whether a run built all models of this project, and none that may change without a word. -#}
{% macro is_complete_run(results) -%}
    {#- These are made again in each run, but change only with others. -#}
    {%- set dependent = obslake.seed_names() + ['refresh_load_problems', 'refresh_problem_numbers',
        'refresh_renamed_tests', 'refresh_response_rules', 'refresh_source_versions', 'refresh_voting_rules',
        'int_revision_dates', 'int_revision_places', 'int_runs', 'int_set_aside_runs'] -%}
    {%- set ran = results | map(attribute='node') | list -%}
    {%- for node in ran if node.resource_type in ['model', 'seed', 'snapshot'] -%}
        {%- if node.config.materialized not in ['by_problem', 'view', 'table_function']
            and node.name not in dependent -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {%- set ids = ran | map(attribute='unique_id') | list -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- if node.config.materialized != 'ephemeral' and node.unique_id not in ids -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

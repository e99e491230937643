{#- Schema of a node of this project. Each layer below the marts has its own schema, even if a project that installs
    this one as a package configures a single schema: with `+schema: behaviour` the marts are in `<target>_behaviour`
    and the intermediate models in `<target>_behaviour_intermediate`. The installing project's `generate_schema_name`,
    if any, combines the parts. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set is_package = project_name != 'obslake' -%}
    {%- if node.resource_type == 'model' and node.fqn[1] in ['staging', 'refresh', 'intermediate'] -%}
        {%- set layer = node.fqn[1] -%}
    {%- elif node.resource_type == 'seed' and is_package -%}
        {%- set layer = 'staging' -%}
    {%- else -%}
        {%- set layer = '' -%}
    {%- endif -%}
    {%- set custom = custom_schema_name | default('', true) -%}
    {%- if layer and custom != layer and not custom.endswith('_' ~ layer) -%}
        {%- set custom = custom ~ '_' ~ layer if custom else layer -%}
    {%- endif -%}
    {%- set theirs = context.get(project_name, {}).get('generate_schema_name') if is_package else none -%}
    {{ return((theirs or dbt.generate_schema_name)(custom or none, node)) }}
{%- endmacro %}

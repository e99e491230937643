{#- Schema of a node of this project. What is not a mart stands apart, also where a project that installs this one as a
    package configures one schema for all of it: with `+schema: behaviour` the marts are in `<target>_behaviour`, the
    intermediate models in `<target>_behaviour_intermediate`. How the parts make a name is decided by that project's own
    `generate_schema_name`, where it has one. -#}
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

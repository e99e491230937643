{#- Names of the staging models from which the rows of a model come, not through a table whose rows are versions. -#}
{% macro staging_above(unique_id) -%}
    {%- set names = [] -%}
    {%- for parent in graph.nodes[unique_id].depends_on.nodes if parent in graph.nodes -%}
        {%- set node = graph.nodes[parent] -%}
        {%- if node.fqn[1] == 'staging' -%}
            {%- do names.append(node.name) -%}
        {%- elif node.fqn[1] != 'refresh' and not node.config.meta.own_version -%}
            {%- do names.extend(obslake.staging_above(parent)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(names | unique | sort) }}
{%- endmacro %}

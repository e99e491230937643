{#- Names of the models and staging models, above a model, whose versions decide whether it is up to
    date. Views and tables in between have no version of their own, unless their content has one, or their rows
    (`meta.own_version`): those of their parents count. -#}
{% macro refreshed_parents(unique_id) -%}
    {%- set names = [] -%}
    {%- for parent in graph.nodes[unique_id].depends_on.nodes if parent in graph.nodes -%}
        {%- set node = graph.nodes[parent] -%}
        {%- if obslake.has_content(node) -%}
            {%- do names.append(node.name ~ ' (content)') -%}
        {%- elif node.fqn[1] == 'staging' or node.config.materialized == 'by_problem'
            or node.config.meta.own_version -%}
            {%- do names.append(node.name) -%}
        {%- elif node.fqn[1] != 'refresh' -%}
            {%- do names.extend(obslake.refreshed_parents(parent)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(names | unique | sort) }}
{%- endmacro %}

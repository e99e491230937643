{#- The models that show the content of a model, by its name. They are found once per run, and added to `known`: there
    are many nodes, and Jinja is slow. -#}
{% macro contents_by_model(known) -%}
    {%- if 'contents' not in known -%}
        {%- set contents = {} -%}
        {%- for node in graph.nodes.values() if node.config.meta.get('content_of') -%}
            {%- set name = node.config.meta.content_of -%}
            {%- do contents.update({name: contents.get(name, []) + [node]}) -%}
        {%- endfor -%}
        {%- do known.update({'contents': contents}) -%}
    {%- endif -%}
    {{ return(known.contents) }}
{%- endmacro %}

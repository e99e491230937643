{#- The models that show the content of the model that is run. -#}
{% macro contents() -%}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values() if node.config.meta.get('content_of') == model.name -%}
        {%- if obslake.has_content(node) -%} {%- do found.append(node) -%} {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

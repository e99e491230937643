{#- Whether a model has a version of what is in it: models that read it are stale only if that has changed. A view may
    show a part of the model `meta.content_of`; what changes in other columns than `meta.content` does not count. -#}
{% macro has_content(node) -%}
    {{ return(obslake.refreshes_columns() and 'model.obslake.' ~ node.config.meta.get('content_of') in graph.nodes) }}
{%- endmacro %}

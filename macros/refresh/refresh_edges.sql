{#- Pairs of a model and of one of the models whose versions decide whether it is up to date. -#}
{% macro refresh_edges(unique_ids) -%}
    {%- set edges = [] -%}
    {%- for unique_id in unique_ids -%}
        {%- for parent in obslake.refreshed_parents(unique_id) -%}
            {%- do edges.append([graph.nodes[unique_id].name, parent]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(edges) }}
{%- endmacro %}

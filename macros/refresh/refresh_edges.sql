{#- Pairs of a model and of one of the models whose versions decide whether it is up to date. -#}
{% macro refresh_edges(names) -%}
    {%- set edges = [] -%}
    {%- for name in names -%}
        {%- for parent in obslake.refreshed_parents('model.obslake.' ~ name) -%}
            {%- do edges.append([name, parent]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(edges) }}
{%- endmacro %}

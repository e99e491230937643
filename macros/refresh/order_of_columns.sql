{#- Relation with the places of the columns in whose order the model is built (`meta.ordered_by`): a model, or, if that
    is built in an order itself, what it was built with. None if the model compares no revisions. -#}
{% macro order_of_columns() -%}
    {%- set name = model.config.meta.get('ordered_by') -%}
    {%- if not name -%}
        {{ return(none) }}
    {%- elif graph.nodes['model.obslake.' ~ name].config.meta.get('ordered_by') -%}
        {{ return(obslake.built_places(name)) }}
    {%- endif -%}
    {{ return(ref(name)) }}
{%- endmacro %}

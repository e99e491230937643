{#- Common table expressions with the code of models, each named after its model: `as_of_` and the name. They read each
    other, and what is `given` instead of other models. So a function computes with its arguments what the models
    compute without, and no second text says the same. -#}
{% macro inlined_models(names, given) -%}
    {%- set relations = [] -%}
    {%- for name in names -%}
        {%- do relations.append([name, 'as_of_' ~ name]) -%}
    {%- endfor -%}
    {%- set known = [] -%}
    {#- Without quotes, which engines write differently. -#}
    {%- for name, expression in given.items() | list + relations -%}
        {%- set relation = "api.Relation.create(identifier='" ~ expression ~ "').quote(identifier=false)" -%}
        {%- do known.append("'" ~ name ~ "': " ~ relation) -%}
    {%- endfor -%}
    {#- In the code of the models, `ref` finds the common table expressions. -#}
    {%- set ref_of_code = '{%- set ref = {' ~ known | join(', ') ~ '}.get -%}' -%}
    {%- for name in names if execute %}
as_of_{{ name }} as (

    {{ render(ref_of_code ~ graph.nodes['model.obslake.' ~ name].raw_code).strip() | indent(4) }}

)
        {{- ',\n' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- Common table expressions, the last of which is `sides`: the revisions of the head and of the base that a function
    with the parameters `data_set`, `head`, `base`, `of_lineage` and `of_base_lineage` compares, per problem and
    environment that they ran. The base has all revisions of its lineage up to it: a response is compared with the last
    executed one. -#}
{% macro compared_sides() -%}
{{ obslake.compared_pairs() }},

sides as (

    {{ obslake.revisions_of_side('head', 'head_lineage', '=') | indent(4) }}
    union all
    {{ obslake.revisions_of_side('base', 'base_lineage', '<=') | indent(4) }}

)
{%- endmacro %}

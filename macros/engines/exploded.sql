{#- The rows of a relation, each as often as an array in it has elements, with the element as `token` and its 1-based
    `position`. -#}
{% macro exploded(relation, columns, array) -%}
    {{ return(adapter.dispatch('exploded', 'obslake')(relation, columns, array)) }}
{%- endmacro %}

{% macro default__exploded(relation, columns, array) -%}
    {{ exceptions.raise_compiler_error('exploded has no form for ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__exploded(relation, columns, array) -%}
    select
        {{ columns | join(', ') }},
        unnest({{ array }}) as token,
        generate_subscripts({{ array }}, 1) as position
    from {{ relation }}
{%- endmacro %}

{% macro spark__exploded(relation, columns, array) -%}
    select
        {{ columns | join(', ') }},
        token,
        place + 1 as position
    from {{ relation }}
    lateral view posexplode({{ array }}) as place, token
{%- endmacro %}

{#- One row per element of an array in a relation, with the element as `token` and its 1-based `position`. -#}
{% macro array_elements(relation, columns, array) -%}
    {{ return(adapter.dispatch('array_elements', 'obslake')(relation, columns, array)) }}
{%- endmacro %}

{% macro default__array_elements(relation, columns, array) -%}
    {{ exceptions.raise_compiler_error('array_elements does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__array_elements(relation, columns, array) -%}
    select
        {{ columns | join(', ') }},
        unnest({{ array }}) as token,
        generate_subscripts({{ array }}, 1) as position
    from {{ relation }}
{%- endmacro %}

{% macro spark__array_elements(relation, columns, array) -%}
    select
        {{ columns | join(', ') }},
        token,
        place + 1 as position
    from {{ relation }}
    lateral view posexplode({{ array }}) as place, token
{%- endmacro %}

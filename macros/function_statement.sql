{#- Statement that creates the function of the model: with its overloads, which another function answers. -#}
{% macro function_statement(sql) -%}
    create or replace function {{ this }}({{ config.get('parameters') | join(', ') }}) as table (
        {{ sql }}
    )
    {%- for overload in config.get('overloads') or [] %},
    ({{ overload.parameters | join(', ') }}) as table (
        from {{ obslake.relation_without_database(ref(config.get('answered_by'))) }}(
            {{- overload.arguments | join(', ') }})
    )
    {%- endfor %}
{%- endmacro %}

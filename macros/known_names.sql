{#- Query of the known names of a kind, where the arguments of a function look for them. -#}
{% macro known_names(kind) -%}
    {%- set mart, columns = obslake.mart_of_names(kind) -%}
    {%- for column in columns %}
    {{- '\n    union all\n    ' if not loop.first -}}
    {#- Only the cube has many rows of each name. -#}
    select{{ ' distinct' if kind == 'implementation' }}
        '{{ kind }}' as kind,
        {{ column }} as name
    from {{ obslake.relation_without_database(mart) }}
    where {{ column }} is not null
    {{- ' and data_set_id = data_set' if kind != 'data set' }}
    {{- ' and problem_id = problem' if kind == 'implementation' }}
    {%- endfor -%}
{%- endmacro %}

{#- Relation with the problems of which rows were forgotten: all of a data set where `problem_id` is null. -#}
{% macro shown_forgotten() -%}
    {%- if var('obslake_observations') -%}
        (
            select
                cast(null as string) as forget_id,
                cast(null as string) as data_set_id,
                cast(null as string) as problem_id
            where 1 = 0
        ) as forgotten
    {%- else -%}
        {{ source('obslake', 'forgotten') }}
    {%- endif -%}
{%- endmacro %}

{#- A relation with the number of the problem of each row, `problem_no`. -#}
{% macro with_problem_number(relation) -%}
    {%- set problem_numbers = obslake.problem_numbers() -%}
    {%- if problem_numbers -%}
    (
        select stored.*, numbers.problem_no
        from {{ relation }} as stored
        inner join {{ problem_numbers }} as numbers
            on stored.data_set_id = numbers.data_set_id and stored.problem_id = numbers.problem_id
    )
    {%- else -%}
    (select stored.*, 0 as problem_no from {{ relation }} as stored)
    {%- endif -%}
{%- endmacro %}

{#- The same rows as those of a numbered relation, read so that a condition on the problem skips the others: the
    engine turns it into one on the number, which the statistics of the table tell apart. -#}
{% macro by_problem(relation) -%}
    {%- if obslake.has_problem_numbers() -%}
    (
        select stored.*
        from {{ relation }} as stored
        inner join {{ obslake.in_this_database(ref('refresh_problem_numbers')) }} as numbers
            on
                stored.problem_no = numbers.problem_no
                and stored.data_set_id = numbers.data_set_id
                and stored.problem_id = numbers.problem_id
    )
    {%- else -%}
    {{ relation }}
    {%- endif -%}
{%- endmacro %}

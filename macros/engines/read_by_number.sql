{#- The rows of a numbered relation, read so that a condition on the problem skips the rows of others. -#}
{% macro read_by_number(relation) -%}
    {{ return(adapter.dispatch('read_by_number', 'obslake')(relation)) }}
{%- endmacro %}

{% macro default__read_by_number(relation) -%}
    {{ exceptions.raise_compiler_error('read_by_number does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__read_by_number(relation) -%}
    {#- The engine turns the condition into one on the number, for which its table statistics can skip rows. -#}
    {%- set problem_numbers = obslake.problem_numbers() -%}
    {%- if problem_numbers -%}
    (
        select stored.*
        from {{ relation }} as stored
        inner join {{ problem_numbers }} as numbers
            on
                stored.problem_no = numbers.problem_no
                and stored.data_set_id = numbers.data_set_id
                and stored.problem_id = numbers.problem_id
    )
    {%- else -%}
    {{ relation }}
    {%- endif -%}
{%- endmacro %}

{% macro spark__read_by_number(relation) -%}
    {#- The statistics of Iceberg files can skip by the texts themselves. -#}
    {{ relation }}
{%- endmacro %}

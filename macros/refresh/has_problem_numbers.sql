{#- Whether problems are numbered. They are not in a unit test, nor where nothing is stored, as in `obslake.sql`. -#}
{% macro has_problem_numbers() -%}
    {%- set numbers = ref('refresh_problem_numbers') if model.resource_type == 'model' else none -%}
    {{ return(execute and numbers is not none and load_relation(numbers) is not none) }}
{%- endmacro %}

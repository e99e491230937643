{#- Clause that stores the rows of each problem together, so that a query on one problem reads few of the others. -#}
{% macro in_order_of_problems() -%}
    {{ return(adapter.dispatch('in_order_of_problems', 'obslake')()) }}
{%- endmacro %}

{% macro default__in_order_of_problems() -%}
    {{ exceptions.raise_compiler_error('in_order_of_problems does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__in_order_of_problems() -%}
    {#- The code of models is also a part of functions, which store nothing. -#}
    {%- if model.config.materialized == 'by_problem' and obslake.problem_numbers() -%}
    order by data_set_id, problem_id
    {%- endif -%}
{%- endmacro %}

{% macro spark__in_order_of_problems() -%}
    {#- It would compute the rows twice: once to find the ranges of its partitions. -#}
{%- endmacro %}

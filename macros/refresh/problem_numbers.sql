{#- The relation with the numbers of problems, by schema and name only; none in a unit test, and where nothing is
    stored, as in `obslake.sql`. -#}
{% macro problem_numbers() -%}
    {%- if not execute and var('obslake_observations') -%} {%- do obslake.after_refresh() -%} {%- endif -%}
    {%- if not execute or model.resource_type != 'model' -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set numbers = load_relation(obslake.refresh_table('refresh_problem_numbers')) -%}
    {{ return(numbers and obslake.relation_without_database(numbers)) }}
{%- endmacro %}

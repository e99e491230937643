{#- Number of steps that a chain of common table expressions needs: at most `most`, and at most the greatest value of a
    column of a parent plus `beyond`. Planning each step takes time, on Spark most of all. -#}
{% macro steps_needed(most, relation, column, beyond) -%}
    {#- A unit test replaces the parent. -#}
    {%- if not execute or model.resource_type != 'model' or not load_relation(relation) -%}
        {{ return(most) }}
    {%- endif -%}
    {%- set greatest = run_query('select max(' ~ column ~ ') from ' ~ relation).rows[0][0] | int -%}
    {{ return([most, [1, greatest + beyond] | max] | min) }}
{%- endmacro %}

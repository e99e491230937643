{#- Number of steps that a chain of common table expressions needs: at most `most`. On Spark, which takes long to plan
    each step, at most the greatest value of a column of a parent plus `beyond`. -#}
{% macro steps_needed(most, relation, column, beyond) -%}
    {{ return(adapter.dispatch('steps_needed', 'obslake')(most, relation, column, beyond)) }}
{%- endmacro %}

{% macro default__steps_needed(most, relation, column, beyond) -%}
    {{ return(most) }}
{%- endmacro %}

{% macro spark__steps_needed(most, relation, column, beyond) -%}
    {#- A unit test replaces the parent. -#}
    {%- if not execute or model.resource_type != 'model' or not load_relation(relation) -%}
        {{ return(most) }}
    {%- endif -%}
    {%- set greatest = run_query('select max(' ~ column ~ ') from ' ~ relation).rows[0][0] | int -%}
    {{ return([most, [1, greatest + beyond] | max] | min) }}
{%- endmacro %}

{#- How specific the scope of a row of a seed is: the narrower of two columns counts more. -#}
{% macro specificity(narrower, wider) -%}
    case when {{ narrower }} is null then 0 else 2 end + case when {{ wider }} is null then 0 else 1 end
{%- endmacro %}

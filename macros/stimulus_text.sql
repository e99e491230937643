{#- A stimulus of a problem, as a text. -#}
{% macro stimulus_text() -%}
concat_ws(':', cast(step_id as string), test_id)
{%- endmacro %}

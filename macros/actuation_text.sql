{#- A stimulus of a problem with its response, as a text. -#}
{% macro actuation_text() -%}
concat_ws(':', response_hash, cast(step_id as string), test_id)
{%- endmacro %}

{#- Hash of a stimulus of a problem with its response. -#}
{% macro actuation_hash() -%}
    md5(concat_ws(':', response_hash, cast(step_id as string), test_id))
{%- endmacro %}

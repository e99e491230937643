{#- Hash of a stimulus of a problem. -#}
{% macro stimulus_hash() -%}
    md5(concat_ws(':', cast(step_id as string), test_id))
{%- endmacro %}

{#- Whether a response is one of the specified responses, given the text with their hashes; null if nothing is
    specified. -#}
{% macro is_specified(response_hash, specified_hashes) -%}
    instr({{ specified_hashes }}, {{ response_hash }}) > 0
{%- endmacro %}

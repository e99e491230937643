{#- Whether the same step of a test was the same stimulus in two rows: the contents of the test decide, else the inputs.
    What was not recorded is not different. -#}
{% macro is_same_stimulus(a, b) -%}
    case
        when {{ a }}.test_content_hash = {{ b }}.test_content_hash then true
        when {{ a }}.inputs is not null and {{ b }}.inputs is not null then {{ a }}.inputs = {{ b }}.inputs
        else {{ a }}.test_content_hash is null or {{ b }}.test_content_hash is null
    end
{%- endmacro %}

{#- The first line of a message, with the parts that differ from run to run as `…`: ids, addresses, numbers, times. -#}
{% macro normalised_message(text) -%}
    {%- set first_line = "substr(split_part(" ~ text ~ ", chr(10), 1), 1, 300)" -%}
    {{ obslake.replaced_matches(
        first_line,
        '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|0x[0-9a-fA-F]+|[0-9a-f]{16,64}|[0-9]+([.,:][0-9]+)*',
        '…'
    ) }}
{%- endmacro %}

{#- Whether a response is right: a verdict states it, any other response is compared with the specified responses. Null
    if there is neither. -#}
{% macro is_right(kind, response, response_hash, specified_hashes) -%}
    case
        when {{ kind }} = 'verdict' then split_part({{ response }}, '@', 1) = 'passed'
        else {{ obslake.is_specified(response_hash, specified_hashes) }}
    end
{%- endmacro %}

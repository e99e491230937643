{#- Whether a response is right: a verdict states it, any other response is compared with the specified response. Null
    if there is neither. -#}
{% macro is_right(kind, response, response_hash, specified_hash) -%}
    case
        when {{ kind }} = 'verdict' then split_part({{ response }}, '@', 1) = 'passed'
        else {{ response_hash }} = {{ specified_hash }}
    end
{%- endmacro %}

{#- Whether a response is right: a verdict says so itself, any other response is compared with the specified
    oracle. Null where neither says anything. -#}
{% macro is_right(kind, response, response_hash, specified_hash) -%}
    case
        when {{ kind }} = 'verdict' then split_part({{ response }}, '@', 1) = 'passed'
        else {{ response_hash }} = {{ specified_hash }}
    end
{%- endmacro %}

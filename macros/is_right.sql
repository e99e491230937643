{#- Whether a response is right: a verdict states it, any other response is compared with the specified responses. If
    there are none, running out of time and crashing are wrong, and of others nothing is known (null). -#}
{% macro is_right(kind, response, response_hash, specified_hashes) -%}
    case
        when {{ kind }} = 'verdict' then {{ obslake.is_right_verdict(kind, response) }}
        when {{ kind }} in ('timeout', 'crash') and {{ specified_hashes }} is null then false
        else {{ obslake.is_specified(response_hash, specified_hashes) }}
    end
{%- endmacro %}

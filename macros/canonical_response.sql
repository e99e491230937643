{#- Canonical form of a response: two responses are equal when their canonical forms are. Of a verdict only
    the first word counts: messages differ from run to run. -#}
{% macro canonical_response(response, kind) -%}
    case
        when {{ kind }} = 'verdict' then split_part({{ response }}, '@', 1)
        else {{ response }}
    end
{%- endmacro %}

{#- Canonical form of a response: two responses are equal if their canonical forms are equal. Only the first word of a
    verdict counts, because messages differ between runs. -#}
{% macro canonical_response(response, kind) -%}
    case
        when {{ kind }} = 'verdict' then split_part({{ response }}, '@', 1)
        else {{ response }}
    end
{%- endmacro %}

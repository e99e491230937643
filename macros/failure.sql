{#- How a response fails, so that tests that fail alike have the same text: its class if it is an exception, the word
    and the class of a failing verdict, `timeout` or `crash`. Empty if it does not fail. -#}
{% macro failure(response, kind) -%}
    case
        when {{ kind }} in ('timeout', 'crash') then {{ kind }}
        when {{ kind }} = 'exception' then 'exception@' || split_part({{ response }}, '@', 2)
        when {{ kind }} = 'verdict' and split_part({{ response }}, '@', 1) in ('failed', 'error')
            then split_part({{ response }}, '@', 1) || '@' || split_part({{ response }}, '@', 2)
        else ''
    end
{%- endmacro %}

{#- Text of a response: the recorded text, or the token of its kind if none was recorded. A response is therefore never
    null, and a null in a matrix always means that nothing was executed. `{}` and an empty text both mean that nothing
    was returned, and are the same response. -#}
{% macro response_text(output, kind) -%}
    coalesce(
        case when {{ kind }} <> 'void' or {{ output }} <> '' then {{ output }} end,
        case {{ kind }}
            when 'void' then '{}'
            when 'timeout' then '$TIMEOUT'
            when 'crash' then '$CRASH'
            when 'not_serializable' then '$N/A'
            when 'not_executed' then '$*'
            when 'skipped' then '$*'
            else ''
        end
    )
{%- endmacro %}

{#- Text of a response: what was recorded, or the token of its kind where the producer recorded none, so
    that a response is never null and a null in a matrix always means that nothing was executed. Nothing
    returned is one response, whether it was recorded as `{}` or as an empty text. -#}
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

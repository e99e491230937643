{#- Kind of a response in the response protocol. A token is the text before the first `@`; ordinary values are JSON,
    which never starts with `$`. The loader uses the same rules. -#}
{% macro response_kind(output) -%}
    case
        when {{ output }} is null then 'not_executed'
        when {{ output }} in ('{}', '') then 'void'
        when substr({{ output }}, 1, 1) = '$'
            then
                case split_part({{ output }}, '@', 1)
                    when '$CUT' then 'instance'
                    when '$EXCEPTION' then 'exception'
                    when '$TRUNCATED' then 'value'
                    when '$TIMEOUT' then 'timeout'
                    when '$CRASH' then 'crash'
                    when '$N/A' then 'not_serializable'
                    when '$*' then 'not_executed'
                    else 'other'
                end
        when split_part({{ output }}, '@', 1) in ('passed', 'failed', 'error') then 'verdict'
        when split_part({{ output }}, '@', 1) = 'skipped' then 'skipped'
        else 'value'
    end
{%- endmacro %}

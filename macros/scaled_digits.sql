{#- Text of a positive number, from its digits and the power of ten of the first one. -#}
{% macro scaled_digits(digits, scale, is_by_value) -%}
    case
        when not {{ is_by_value }}
            then
                substr({{ digits }}, 1, 1) || '.' || coalesce(nullif(substr({{ digits }}, 2), ''), '0')
                || 'e' || cast({{ scale }} as string)
        when {{ scale }} between -6 and -1
            then '0.' || repeat('0', cast(- ({{ scale }}) - 1 as int)) || {{ digits }}
        when {{ scale }} between length({{ digits }}) - 1 and 20
            then rpad({{ digits }}, cast({{ scale }} as int) + 1, '0')
        when {{ scale }} between 0 and 20
            then
                substr({{ digits }}, 1, cast({{ scale }} as int) + 1)
                || '.' || substr({{ digits }}, cast({{ scale }} as int) + 2)
        else
            substr({{ digits }}, 1, 1)
            || case when length({{ digits }}) > 1 then '.' else '' end || substr({{ digits }}, 2)
            || case when {{ scale }} > 0 then 'e+' else 'e' end || cast({{ scale }} as string)
    end
{%- endmacro %}

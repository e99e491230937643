{#- Text of a number in JSON or in another text. Its digits are rounded to a number of significant digits, half away from
    zero, unless that is null: as a floating-point number it would overflow, and differ between engines. By its value,
    a number is written as RFC 8785 does, with all its digits, else as `<digit>.<digits>e<exponent>`. A number whose
    exponent has more than nine digits stays as it is. -#}
{% macro canonical_number(number, significant_digits, is_by_value) -%}
    {%- set mantissa = "split_part(lower(" ~ number ~ "), 'e', 1)" -%}
    {%- set exponent = "replace(split_part(lower(" ~ number ~ "), 'e', 2), '+', '')" -%}
    {%- set digits = "regexp_replace(translate(" ~ mantissa ~ ", '-.', ''), '^0+', '')" -%}
    {%- set padded = "rpad(" ~ digits ~ ", 18, '0')" -%}
    {%- set head -%}
        cast(
            try_cast(substr({{ padded }}, 1, {{ significant_digits }}) as bigint)
            + case when substr({{ padded }}, {{ significant_digits }} + 1, 1) >= '5' then 1 else 0 end
            as string
        )
    {%- endset -%}
    {%- set shown = "regexp_replace(coalesce(" ~ head ~ ", " ~ digits ~ "), '0+$', '')" -%}
    {#- The power of ten of the first digit. -#}
    {%- set scale -%}
        coalesce(try_cast(nullif({{ exponent }}, '') as bigint), 0)
        - length(split_part({{ mantissa }}, '.', 2))
        + length({{ digits }})
        - 1
        + coalesce(length({{ head }}) - {{ significant_digits }}, 0)
    {%- endset -%}
    case
        when length(regexp_replace(replace({{ exponent }}, '-', ''), '^0+', '')) > 9 then {{ number }}
        when {{ digits }} = '' then case when {{ is_by_value }} then '0' else '0.0e0' end
        else
            case when substr({{ number }}, 1, 1) = '-' then '-' else '' end
            || {{ obslake.scaled_digits(shown, scale, is_by_value) }}
    end
{%- endmacro %}

{#- Query: a relation with a column `written`, the text of the number in its column `number`. Digits are rounded to
    `n_digits`, half away from zero, unless that is null: as a floating-point number they would overflow, and differ
    between engines. By its value, a number is written as RFC 8785 does, with all its digits, else as
    `<digit>.<digits>e<exponent>`. A number whose exponent has more than nine digits stays as it is. -#}
{% macro canonical_numbers(relation, is_by_value) -%}
    select
        *,
        case
            when length(regexp_replace(replace(exponent, '-', ''), '^0+', '')) > 9 then number
            when digits = '' then case when {{ is_by_value }} then '0' else '0.0e0' end
            else
                case when substr(number, 1, 1) = '-' then '-' else '' end
                || case
                    when not {{ is_by_value }}
                        then
                            substr(shown, 1, 1) || '.' || coalesce(nullif(substr(shown, 2), ''), '0')
                            || 'e' || cast(scale as string)
                    when scale between -6 and -1 then '0.' || repeat('0', cast(-scale - 1 as int)) || shown
                    when scale between length(shown) - 1 and 20 then rpad(shown, cast(scale as int) + 1, '0')
                    when scale between 0 and 20
                        then substr(shown, 1, cast(scale as int) + 1) || '.' || substr(shown, cast(scale as int) + 2)
                    else
                        substr(shown, 1, 1) || case when length(shown) > 1 then '.' else '' end || substr(shown, 2)
                        || case when scale > 0 then 'e+' else 'e' end || cast(scale as string)
                end
        end as written
    from (
        select
            *,
            regexp_replace(coalesce(head, digits), '0+$', '') as shown,
            -- The power of ten of the first digit.
            coalesce(try_cast(nullif(exponent, '') as bigint), 0) - length(split_part(mantissa, '.', 2))
            + length(digits) - 1 + coalesce(length(head) - n_digits, 0) as scale
        from (
            select
                *,
                cast(
                    try_cast(substr(rpad(digits, 18, '0'), 1, n_digits) as bigint)
                    + case when substr(rpad(digits, 18, '0'), n_digits + 1, 1) >= '5' then 1 else 0 end
                    as string
                ) as head
            from (
                select
                    *,
                    regexp_replace(translate(mantissa, '-.', ''), '^0+', '') as digits
                from (
                    select
                        *,
                        split_part(lower(number), 'e', 1) as mantissa,
                        replace(split_part(lower(number), 'e', 2), '+', '') as exponent
                    from {{ relation }}
                ) as split_numbers
            ) as numbers_with_digits
        ) as rounded_numbers
    ) as scaled_numbers
{%- endmacro %}

{#- Columns that say how many votes the argument of `minimal_support` requires, as whole numbers, because those of
    decimals would depend on how an engine rounds: `support_numerator` / `support_denominator` of the number in
    `is_support_of_voters`, rounded up, and `support_offset` more. -#}
{% macro support_fields(argument) -%}
    {%- set share = "split_part(replace(" ~ argument ~ ", 'more than ', ''), ' of ', 1)" -%}
    {%- set is_share = argument ~ " like '% of %'" -%}
    case
        when not {{ is_share }} then 0
        else cast(replace(split_part({{ share }}, '/', 1), '.', '') as bigint)
    end as support_numerator,
    case
        when not {{ is_share }} then 1
        when {{ share }} like '%/%' then cast(split_part({{ share }}, '/', 2) as bigint)
        else cast('1' || repeat('0', length(split_part({{ share }}, '.', 2))) as bigint)
    end as support_denominator,
    case
        when not {{ is_share }} then cast({{ argument }} as bigint)
        when {{ argument }} like '% + %' then cast(split_part({{ argument }}, ' + ', 2) as bigint)
        else 0
    end as support_offset,
    case when {{ argument }} like 'more than %' then 1 else 0 end as support_excess,
    {{ argument }} like '% of voters%' as is_support_of_voters
{%- endmacro %}

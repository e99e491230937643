{#- What is wrong with the argument of the rule `minimal_support`; null if nothing is. -#}
{% macro fault_of_support(argument) -%}
    {%- set share = "split_part(replace(" ~ argument ~ ", 'more than ', ''), ' of ', 1)" -%}
    {%- set numerator = 'try_cast(split_part(' ~ share ~ ", '/', 1) as decimal(18, 9))" -%}
    {%- set denominator = 'case when ' ~ share ~ " like '%/%' then try_cast(split_part(" ~ share
        ~ ", '/', 2) as decimal(18, 9)) else 1 end" -%}
    case
        when regexp_replace({{ argument }}, {{ obslake.text_literal(obslake.support_expression()) }}, '') <> ''
            then
                'the argument of minimal_support must be a whole number from 1, or such as: 0.5 of voters, '
                || '2/3 of implementations, more than 0.5 of voters, 0.5 of implementations + 1'
        when {{ argument }} like '% of %' and coalesce(not {{ numerator }} between 0.000001 and {{ denominator }}, true)
            then 'the share of minimal_support must be greater than 0, and at most 1'
        when
            ({{ argument }} like 'more than %' or {{ argument }} like '% + %') and {{ numerator }} >= {{ denominator }}
            then 'no response can have more votes than all: the share of minimal_support must be less than 1 here'
    end
{%- endmacro %}

{#- What is wrong with the argument of the rule `mask`; null if nothing is. -#}
{% macro fault_of_mask(argument) -%}
    {%- set names = obslake.mask_patterns().keys() | list -%}
    case
        when coalesce({{ argument }}, '') in ({{ obslake.text_literals(names) }}) then null
        when coalesce({{ argument }}, '') not like '/%/'
            then 'the argument of mask must be {{ names | join(', ') }}, or a regular expression between slashes'
        when {{ argument }} like '%{{ obslake.mask_character() }}%'
            then 'a regular expression of mask must not contain {{ obslake.mask_character() }}, the mask itself'
        when regexp_replace({{ argument }}, {{ obslake.text_literal(obslake.common_expression()) }}, '') <> ''
            then
                'engines may read the regular expression ' || {{ argument }}
                || ' differently: docs/protocol.md lists what it may contain'
        when regexp_replace('', '^' || {{ obslake.mask_expression(argument) }} || '$', 'x') = 'x'
            then 'the regular expression ' || {{ argument }} || ' of mask must not match an empty text'
    end
{%- endmacro %}

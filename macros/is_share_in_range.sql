{#- Whether the share of a number of votes that an oracle needs, such as `0.5 of voters`, is greater than 0 and at
    most 1, or less than 1 if more votes are needed than that. -#}
{% macro is_share_in_range(support) -%}
    {%- set parts = (support | replace('more than ', '')).split(' of ')[0].split('/') -%}
    {%- set numerator, denominator = parts[0] | float, parts[-1] | float if parts | length > 1 else 1 -%}
    {%- set needs_more = 'more than ' in support or ' + ' in support -%}
    {{ return(0 < numerator < denominator or numerator == denominator and not needs_more) }}
{%- endmacro %}

{#- Whether the share of a number of votes that an oracle needs, such as `0.5 of voters`, is greater than 0 and at
    most 1. -#}
{% macro is_share_in_range(support) -%}
    {%- set parts = (support | replace('more than ', '')).split(' of ')[0].split('/') -%}
    {{ return((parts[0] | float) > 0 and (parts[0] | float) <= (parts[-1] | float if parts | length > 1 else 1)) }}
{%- endmacro %}

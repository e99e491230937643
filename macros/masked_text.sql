{#- The steps of the rule `mask`, one after the other: for each a condition, and what it makes of a text. -#}
{% macro masked_text(text) -%}
    {%- set mask = obslake.mask_character() -%}
    {%- set steps = [
        ['mask_expression is not null', obslake.own_matches_replaced(text, 'mask_expression', mask)]
    ] -%}
    {%- for name, expression in obslake.mask_patterns().items() -%}
        {%- do steps.append([
            "masks like '%" ~ name ~ "%'", obslake.replaced_matches(text, expression, '\\1' ~ mask)
        ]) -%}
    {%- endfor -%}
    {{ return(steps) }}
{%- endmacro %}

{#- A user's regular expression, from the argument of the rule `mask`: without its slashes, and so that nothing in it
    matches the mask itself. -#}
{% macro mask_expression(argument) -%}
    '(?:'
    || replace(substr({{ argument }}, 2, length({{ argument }}) - 2), '[^', '[^{{ obslake.mask_character() }}')
    || ')'
{%- endmacro %}

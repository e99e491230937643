{#- How far a known name is from a name: the number of edits, where a character that is missing counts a tenth. So a
    part of a known name is near to it. -#}
{% macro name_distance(known, name) -%}
levenshtein({{ known }}, {{ name }}) - 0.9 * length({{ known }})
{%- endmacro %}

{#- The rules that change texts, in the order in which they apply. Small letters are composed again: `ẖ` has no
    capital. -#}
{% macro text_rules() -%}
    {{ return(['unicode', 'case', 'unicode', 'whitespace']) }}
{%- endmacro %}

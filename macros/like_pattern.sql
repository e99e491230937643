{#- The pattern of `like … escape '/'` for a text in which only `*` has a meaning: any text. -#}
{% macro like_pattern(text) -%}
    replace(replace(replace(replace({{ text }}, '/', '//'), '%', '/%'), '_', '/_'), '*', '%')
{%- endmacro %}

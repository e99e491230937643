{#- Whether the verdict of a test says that it passed; null for other responses. -#}
{% macro is_right_verdict(kind, response) -%}
    case when {{ kind }} = 'verdict' then split_part({{ response }}, '@', 1) = 'passed' end
{%- endmacro %}

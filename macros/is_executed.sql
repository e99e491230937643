{#- Whether the stimulus was executed at all. -#}
{% macro is_executed(kind) -%}
    {{ kind }} not in ('not_executed', 'skipped')
{%- endmacro %}

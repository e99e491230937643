{#- In how many rounds the suite of a problem is chosen, a test in each: the variable, checked. -#}
{% macro suite_rounds() -%}
    {%- set rounds = var('obslake_suite_rounds') -%}
    {%- if rounds is not integer or rounds < 1 -%}
        {{ exceptions.raise_compiler_error('obslake_suite_rounds must be a whole number from 1, not ' ~ rounds) }}
    {%- endif -%}
    {{ return(rounds) }}
{%- endmacro %}

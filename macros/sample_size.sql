{#- How many samples pass@k may draw: the variable, checked. -#}
{% macro sample_size() -%}
    {%- set size = var('obslake_pass_at_k') -%}
    {%- if size is not integer or size < 1 or size > 1000 -%}
        {{ exceptions.raise_compiler_error('obslake_pass_at_k must be a whole number from 1 to 1000, not ' ~ size) }}
    {%- endif -%}
    {{ return(size) }}
{%- endmacro %}

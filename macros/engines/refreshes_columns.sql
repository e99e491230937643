{#- Whether models that ask for it are refreshed column by column of the matrix, instead of problem by problem. -#}
{% macro refreshes_columns() -%}
    {{ return(adapter.dispatch('refreshes_columns', 'obslake')()) }}
{%- endmacro %}

{% macro default__refreshes_columns() -%}
    {{ exceptions.raise_compiler_error('refreshes_columns has no form for ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__refreshes_columns() -%}
    {{ return(true) }}
{%- endmacro %}

{% macro spark__refreshes_columns() -%}
    {#- There, one more statement takes more time than it saves. -#}
    {{ return(false) }}
{%- endmacro %}

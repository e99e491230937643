{#- What a hook returns so that several statements are run one after the other. -#}
{% macro statement_sequence(statements) -%}
    {{ return(adapter.dispatch('statement_sequence', 'obslake')(statements)) }}
{%- endmacro %}

{% macro default__statement_sequence(statements) -%}
    {{ exceptions.raise_compiler_error('statement_sequence has no form for ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__statement_sequence(statements) -%}
    {#- In one piece, since dbt takes longer for a statement than the engine for all of these. -#}
    {{ return(statements | join(';\n')) }}
{%- endmacro %}

{% macro spark__statement_sequence(statements) -%}
    {#- A session takes one at a time. -#}
    {%- for statement in statements -%}
        {%- do run_query(statement) -%}
    {%- endfor -%}
{%- endmacro %}

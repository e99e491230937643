{#- What a hook returns so that several statements are run one after the other. -#}
{% macro statements(statements) -%}
    {{ return(adapter.dispatch('statements', 'obslake')(statements)) }}
{%- endmacro %}

{% macro default__statements(statements) -%}
    {{ exceptions.raise_compiler_error('statements has no form for ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__statements(statements) -%}
    {#- In one piece, since dbt takes longer for a statement than the engine for all of these. -#}
    {{ return(statements | join(';\n')) }}
{%- endmacro %}

{% macro spark__statements(statements) -%}
    {#- A session takes one at a time. -#}
    {%- for statement in statements -%}
        {%- do run_query(statement) -%}
    {%- endfor -%}
{%- endmacro %}

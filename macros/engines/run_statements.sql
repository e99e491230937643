{#- Run statements one after the other, in one transaction where the engine has any. -#}
{% macro run_statements(statements) -%}
    {{ return(adapter.dispatch('run_statements', 'obslake')(statements)) }}
{%- endmacro %}

{% macro default__run_statements(statements) -%}
    {{ exceptions.raise_compiler_error('run_statements has no form for ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__run_statements(statements) -%}
    {#- In one piece, since dbt takes longer for a statement than the engine for all of these. -#}
    {%- call statement('statements') -%} {{ statements | join(';\n') }} {%- endcall -%}
{%- endmacro %}

{% macro spark__run_statements(statements) -%}
    {#- A session takes one at a time. -#}
    {%- for each in statements -%}
        {%- do run_query(each) -%}
    {%- endfor -%}
{%- endmacro %}

{#- Make what was run hold, where the engine has transactions. -#}
{% macro commit() -%}
    {%- if target.type == 'duckdb' -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}

{#- Run statements one after the other, in one transaction if the engine has transactions. -#}
{% macro run_statements(statements) -%}
    {{ return(adapter.dispatch('run_statements', 'obslake')(statements)) }}
{%- endmacro %}

{% macro default__run_statements(statements) -%}
    {{ exceptions.raise_compiler_error('run_statements does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__run_statements(statements) -%}
    {#- Together, because dbt's overhead for one statement exceeds the engine's time for all of them. -#}
    {%- call statement('statements') -%} {{ statements | join(';\n') }} {%- endcall -%}
{%- endmacro %}

{% macro spark__run_statements(statements) -%}
    {#- A session accepts one statement at a time. -#}
    {%- for each in statements -%}
        {%- do run_query(each) -%}
    {%- endfor -%}
{%- endmacro %}

{#- Commit, if the engine has transactions. -#}
{% macro commit() -%}
    {%- if target.type == 'duckdb' -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}

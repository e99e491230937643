{#- A function that is created only if its definition has changed: dbt-duckdb's own creates it in every run. -#}
{% materialization table_function, adapter='duckdb' -%}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks) }}

    {%- if obslake.has_definition(sql) -%}
        {%- call noop_statement('main', message='nothing new', code='NONE', rows_affected=none) -%} {%- endcall -%}
    {%- else -%}
        {%- call statement('main') -%}
            {{ obslake.function_statement(sql) }};
            {{ ([obslake.comment_on_function()] + obslake.keep_definition(sql)) | join(';\n') }}
        {%- endcall -%}
    {%- endif -%}

    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': []}) }}
{%- endmaterialization %}

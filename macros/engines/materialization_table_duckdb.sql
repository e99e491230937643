{#- A table that is built as a whole in every run: internal ones in a third of the statements of dbt-duckdb's own
    materialization, which has more options and builds all others. dbt uses this one only in the project itself, not
    where obslake is installed as a package. -#}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] -%}
    {%- if model.package_name != 'obslake' or model.fqn[1] not in ['intermediate', 'refresh'] -%}
        {{ return(dbt.materialization_table_duckdb()) }}
    {%- endif -%}
    {%- set table = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks) }}

    {%- do obslake.replace_table(table, existing, sql) -%}
    {%- set comments = obslake.table_comments(table) -%}
    {%- do obslake.run_statements(comments) if comments -%}
    {%- do apply_grants(table, config.get('grants'), should_revoke(existing, full_refresh_mode=true)) -%}

    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': [table]}) }}
{%- endmaterialization %}

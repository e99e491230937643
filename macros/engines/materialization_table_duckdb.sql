{#- A table that is built as a whole in every run, with a third of the statements of dbt-duckdb's own materialization.
    That one builds tables that need more of it: indexes, partitions, an order, constraints, Python. -#}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] -%}
    {%- set options = ['indexes', 'partitioned_by', 'sorted_by'] | select('in', model.config) | list -%}
    {%- set constraints = model.columns.values() | map(attribute='constraints') | select | list -%}
    {%- if model.language != 'sql' or options or constraints or model.constraints -%}
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

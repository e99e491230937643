{#- A view that is created only if its definition has changed: dbt's own creates it, and comments on each of its
    columns, in every run. -#}
{% materialization view, adapter='duckdb' -%}
    {%- set view = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks) }}

    {%- if obslake.has_definition(sql) -%}
        {%- call noop_statement('main', message='nothing new', code='NONE', rows_affected=none) -%} {%- endcall -%}
    {%- else -%}
        {%- if existing is not none and not existing.is_view -%}
            {%- do adapter.drop_relation(existing) -%}
        {%- endif -%}
        {%- set checked = get_assert_columns_equivalent(sql) if config.get('contract').enforced else '' -%}
        {%- call statement('main') -%}
            {{ checked }}
            create or replace view {{ view }} as (
                {{ sql }}
            );
            {{ (obslake.table_comments(view, 'view') + obslake.keep_definition(sql)) | join(';\n') }}
        {%- endcall -%}
    {%- endif -%}

    {%- do apply_grants(view, config.get('grants'), should_revoke(existing, full_refresh_mode=true)) -%}

    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': [view]}) }}
{%- endmaterialization %}

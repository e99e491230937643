{#- A table that is refreshed problem by problem: rows of problems about which something else is known now are deleted,
    and appended as they are now. If nothing is stale, nothing is planned, read or written. -#}
{% materialization by_problem, default -%}
    {%- set table = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set builds_all = not obslake.builds_stale_only() -%}
    {%- set by_column = obslake.builds_columns() -%}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks) }}

    {%- set found = {} if builds_all else obslake.find_stale_problems() -%}
    {#- Never while something is kept: its rows would not be read. -#}
    {%- set is_replaced = builds_all or (not found.keeps_rows and (found.n_stale or not found.has_same_code)) -%}
    {%- set to_keep = obslake.table_comments(table) if is_replaced or not found.has_same_docs else [] -%}
    {%- if is_replaced or found.n_stale -%}
        {%- do obslake.note_change() -%}
        {%- do obslake.run_statements(
            [obslake.mark_stale_problems(all=builds_all)]
            + (obslake.mark_stale_columns() if by_column and not builds_all else [])
            + ([] if is_replaced else obslake.remember_contents())
            + ([] if is_replaced else [obslake.delete_stale_rows()])
        ) -%}
        {%- if is_replaced -%}
            {%- do obslake.replace_table(table, existing, sql) -%}
        {%- else -%}
            {%- call statement('main') -%} {{ obslake.insert_by_name(table, sql) }} {%- endcall -%}
            {%- do store_raw_result(
                'main', code='INSERT', rows_affected=none,
                message=found.n_stale ~ ' of ' ~ (found.n_stale + found.n_kept) ~ ' problems'
            ) -%}
        {%- endif -%}
        {#- The versions last: until then the problems are stale. -#}
        {%- do obslake.run_statements(
            to_keep + [obslake.keep_source(), obslake.keep_versions()]
            + obslake.keep_contents(not is_replaced) + (obslake.keep_places() if by_column else [])
        ) -%}
    {%- else -%}
        {%- if not (found.has_same_code and found.has_same_docs and found.has_same_source) -%}
            {%- do obslake.note_change() -%}
            {%- do obslake.run_statements(to_keep + [obslake.keep_source()]) -%}
        {%- endif -%}
        {%- call noop_statement('main', message='nothing new', code='NONE', rows_affected=none) -%} {%- endcall -%}
    {%- endif -%}

    {%- do apply_grants(table, config.get('grants'), should_revoke(existing, full_refresh_mode=is_replaced)) -%}

    {{ run_hooks(post_hooks) }}
    {%- do obslake.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': [table]}) }}
{%- endmaterialization %}

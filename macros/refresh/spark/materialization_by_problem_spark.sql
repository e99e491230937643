{#- The same refresh as on other engines, in fewer statements and commits, since Spark takes half a second to plan a
    statement. One query finds the stale problems of all models. The versions of a model are one partition, which is
    written before and after its rows change. -#}
{% materialization by_problem, adapter='spark' -%}
    {%- set table = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set builds_all = not obslake.builds_stale_only() -%}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks) }}

    {%- set state = obslake.refresh_state() -%}
    {%- set found = state.models[model.name] -%}
    {#- This run has changed the versions of these parents since the query. -#}
    {%- set is_outdated = obslake.refreshed_parents(model.unique_id) | select('in', state.built) | list | length > 0 -%}
    {%- if builds_all -%}
        {%- do state.built.append(model.name) -%}
        {%- if found.n_known -%}
            {%- do run_query(obslake.forget_versions()) -%}
        {%- endif -%}
        {%- do obslake.replace_table(table, existing, sql) -%}
        {%- do run_query(obslake.keep_all_versions()) -%}
    {%- else -%}
        {%- if is_outdated or found.n_stale -%}
            {%- do state.built.append(model.name) -%}
            {%- do run_query(obslake.mark_stale_versions()) -%}
            {%- do found.update(obslake.count_marked_problems()) -%}
        {%- endif -%}
        {#- A model that keeps problems is never replaced, since only the rows of stale problems are read. -#}
        {%- if not found.n_kept and (found.n_stale or not found.has_same_code) -%}
            {%- do obslake.replace_table(table, existing, sql) -%}
        {%- elif found.n_stale -%}
            {%- do run_query(obslake.delete_stale_rows()) -%}
            {%- call statement('main') -%} {{ obslake.insert_by_name(table, sql) }} {%- endcall -%}
            {%- do store_raw_result(
                'main', code='INSERT', rows_affected=none,
                message=found.n_stale ~ ' of ' ~ (found.n_stale + found.n_kept) ~ ' problems'
            ) -%}
        {%- else -%}
            {%- call noop_statement('main', message='nothing new', code='NONE', rows_affected=none) -%} {%- endcall -%}
        {%- endif -%}
        {%- if found.n_stale -%}
            {%- do run_query(obslake.keep_built_versions()) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if builds_all or found.n_stale or not found.has_same_source -%}
        {%- do state.sources.update({model.name: obslake.docs_version(model)}) -%}
    {%- endif -%}

    {%- do apply_grants(table, config.get('grants'), should_revoke(existing, full_refresh_mode=builds_all)) -%}

    {{ run_hooks(post_hooks) }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': [table]}) }}
{%- endmaterialization %}

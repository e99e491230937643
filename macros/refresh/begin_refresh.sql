{#- Hook: make the tables of the refresh, and write down which code and which rules the models have now. If tables were
    built by others, say so: all their problems are built again. -#}
{% macro begin_refresh() -%}
    {%- if execute and flags.WHICH in ['run', 'build'] -%}
        {%- set problems = obslake.refresh_table('refresh_problems') -%}
        {%- set models = obslake.refresh_table('refresh_models') -%}
        {%- set has_earlier_build = obslake.drop_renamed_tables() -%}
        {%- set statements = ['create schema if not exists ' ~ problems.without_identifier()] -%}
        {%- for name, columns in obslake.refresh_table_columns().items() -%}
            {%- do statements.append(obslake.create_refresh_table(obslake.refresh_table(name), columns)) -%}
        {%- endfor -%}
        {%- for name in ['refresh_columns', 'refresh_contents'] if obslake.refreshes_columns() -%}
            {%- do statements.append('delete from ' ~ obslake.refresh_table(name)) -%}
        {%- endfor -%}
        {%- do obslake.run_statements(statements + ([
            'delete from ' ~ problems,
            'delete from ' ~ models,
        ] if has_earlier_build else obslake.forget_last_run(problems))) -%}
        {%- set known, outdated, changed = obslake.begin_run(), [], [] -%}
        {%- set codes = obslake.code_versions(graph['obslake_run'].codes) -%}
        {%- for name, code in codes.items() -%}
            {%- if name not in known or known[name][2] != code -%}
                {%- do changed.append("select '" ~ name ~ "' as model, '" ~ code ~ "' as code") -%}
            {%- endif -%}
            {%- if name in known and known[name][1] is not none and known[name][1] != code -%}
                {%- do outdated.append(name) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if changed -%}
            {%- do run_query(
                'merge into ' ~ models ~ ' as known using (' ~ changed | join(' union all ') ~ ') as found
                on known.model = found.model
                when matched then update set wanted_code = found.code
                when not matched then insert (model, wanted_code) values (found.model, found.code)'
            ) -%}
        {%- endif -%}
        {%- do obslake.commit() -%}
        {%- if has_earlier_build -%}
            {%- do log('the marts were built by an earlier version: every problem is built again', info=true) -%}
        {%- elif outdated -%}
            {%- set all_problems = 'select distinct data_set_id, problem_id from ' ~ problems -%}
            {%- set n = run_query('select count(*) from (' ~ all_problems ~ ') as known').rows[0][0] -%}
            {%- do log(
                'rules or code of ' ~ outdated | length ~ ' of ' ~ codes | length ~ ' tables changed: all '
                ~ n ~ ' problems are built again in these', info=true
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

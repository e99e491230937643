{#- Hook: create the views on the tables of the lakehouse, in the schema of the sources, for the snapshots that
    `obslake pin` fixed. On DuckDB the plugin `obslake.dbt_plugin` creates them when it connects. -#}
{% macro show_pinned_tables() -%}
    {%- if execute and flags.WHICH in ['run', 'build'] and obslake.reads_lakehouse() -%}
        {{ return(adapter.dispatch('show_pinned_tables', 'obslake')()) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__show_pinned_tables() -%}
    {{ exceptions.raise_compiler_error('show_pinned_tables does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__show_pinned_tables() -%}
{%- endmacro %}

{% macro spark__show_pinned_tables() -%}
    {%- set catalog = 'obslake.obslake' -%}
    {%- set is_there = run_query('show tables in ' ~ catalog ~ " like 'pinned'").rows -%}
    {%- set newest_pin = 'select snapshot_id from ' ~ catalog ~ ".pinned.refs where name = 'main'" -%}
    {%- set pins = run_query(newest_pin).rows if is_there else [] -%}
    {%- if not pins -%}
        {%- do exceptions.raise_compiler_error('the lakehouse has no pinned snapshots\n  run `obslake pin` first') -%}
    {%- endif -%}
    {#- The whole build uses one pin, even if there are new pins meanwhile. -#}
    {%- set pinned = catalog ~ '.pinned version as of ' ~ pins[0][0] -%}
    {%- set tables = run_query('select table_name, snapshot_id from ' ~ pinned ~ " where kind = 'table'").rows -%}
    {#- Per target, because other targets may be built from other pins. -#}
    {%- set schema = target.schema ~ '_lake' -%}
    {%- do run_query('create schema if not exists ' ~ schema) -%}
    {%- for table in tables -%}
        {%- set snapshots = catalog ~ '.' ~ table[0] ~ '.snapshots where snapshot_id = ' ~ table[1] -%}
        {%- if table[1] is not none and not run_query('select snapshot_id from ' ~ snapshots).rows -%}
            {%- do exceptions.raise_compiler_error(
                'the pinned snapshot ' ~ table[1] ~ ' of ' ~ table[0] ~ ' no longer exists\n'
                ~ '  run `obslake pin` again'
            ) -%}
        {%- endif -%}
        {%- set stored = catalog ~ '.' ~ table[0] ~ (' version as of ' ~ table[1] if table[1] is not none else '') -%}
        {#- A snapshot of an earlier version of obslake lacks columns that were added later; all of them are texts. -#}
        {%- set present = run_query('select * from ' ~ stored ~ ' limit 0').column_names | map('lower') | list -%}
        {%- set source_of_table = graph.sources.get('source.obslake.obslake.' ~ table[0], {}) -%}
        {%- set missing = source_of_table.get('columns', {}) | reject('in', present) | list -%}
        {%- set rows -%}
            select stored.*
            {%- for column in missing %}, cast(null as string) as {{ column }}{% endfor %}
            from {{ stored }} as stored
            {%- if table[1] is none %}
            where 1 = 0
            {%- elif table[0] != 'observations' %}
            left anti join (
                select load_id from {{ pinned }} where kind = 'hidden' and table_name = '{{ table[0] }}'
            ) as hidden on stored.load_id = hidden.load_id
            {%- endif -%}
        {%- endset -%}
        {%- do run_query('create or replace view ' ~ schema ~ '.' ~ table[0] ~ ' as ' ~ rows) -%}
    {%- endfor -%}
    {%- set newest = run_query('select snapshot_id from ' ~ catalog ~ ".observations.refs where name = 'main'").rows -%}
    {%- set shown = tables | selectattr(0, 'equalto', 'observations') | map(attribute=1) | first -%}
    {%- if newest and newest[0][0] != shown -%}
        {%- do log(
            'the lakehouse has changed since `obslake pin`: this builds from the pinned snapshots', info=true
        ) -%}
    {%- endif -%}
    {%- for name, columns, kind in [
        ('loads', 'load_id, revision', 'load'),
        ('forgotten', 'forget_id, data_set_id, problem_id', 'forgotten'),
        ('shown', 'snapshot_id, digest', 'shown'),
    ] -%}
        {%- do run_query(
            'create or replace view ' ~ schema ~ '.' ~ name ~ ' as select ' ~ columns ~ ' from ' ~ pinned
            ~ " where kind = '" ~ kind ~ "'"
        ) -%}
    {%- endfor -%}
{%- endmacro %}

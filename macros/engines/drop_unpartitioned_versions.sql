{#- Drop `refresh_problems` if an earlier version created it without the partitions that the engine needs. Returns
    whether it was dropped. -#}
{% macro drop_unpartitioned_versions() -%}
    {{ return(adapter.dispatch('drop_unpartitioned_versions', 'obslake')()) }}
{%- endmacro %}

{% macro default__drop_unpartitioned_versions() -%}
    {{ return(false) }}
{%- endmacro %}

{% macro spark__drop_unpartitioned_versions() -%}
    {%- set table = load_relation(obslake.refresh_table('refresh_problems')) -%}
    {%- if not table or '# Partition Information' in run_query('describe ' ~ table).columns[0].values() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- do adapter.drop_relation(table) -%}
    {{ return(true) }}
{%- endmacro %}

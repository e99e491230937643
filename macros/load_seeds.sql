{#- Hook: load the seeds before the models read them, so that `dbt run` alone uses their current content. Engines that
    cannot read a file of the project need `dbt seed`. Before other commands, tables of an earlier version get the
    columns that files have now. -#}
{% macro load_seeds() -%}
    {%- if execute and flags.WHICH in ['run', 'seed', 'build'] and target.type == 'duckdb'
        and obslake.reads_lakehouse() -%}
        {%- for name in obslake.seed_names() if 'seed.obslake.' ~ name in graph.nodes -%}
            {%- set seed = graph.nodes['seed.obslake.' ~ name] -%}
            {{ obslake.load_seed(seed) if flags.WHICH == 'run' else obslake.add_seed_columns(seed) }};
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- Hook: load the seeds before the models read them, so that `dbt run` alone uses their current content. Engines that
    cannot read a file of the project need `dbt seed`. -#}
{% macro load_seeds() -%}
    {%- if execute and flags.WHICH == 'run' and target.type == 'duckdb' and obslake.reads_lakehouse() -%}
        {%- for name in obslake.seed_names() if 'seed.obslake.' ~ name in graph.nodes -%}
            {{ obslake.load_seed(graph.nodes['seed.obslake.' ~ name]) }};
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- Hook: publish the marts to readers if everything that ran has succeeded. A run that changes nothing copies nothing
    if the file that readers open is still the one that the last complete run published. -#}
{% macro publish_marts(results) -%}
    {%- if execute and flags.WHICH in ['run', 'build'] and obslake.can_publish() -%}
        {%- set failed = results | map(attribute='status') | map('string')
            | select('in', ['error', 'fail', 'runtime error', 'skipped', 'partial success']) | list -%}
        {%- if failed -%}
            {%- do log('not published: readers still see the previous marts', info=true) -%}
        {%- elif results -%}
            {%- set run = graph['obslake_run'] -%}
            {%- set is_complete = obslake.is_complete_run(results) -%}
            {%- set seeds = [] -%}
            {%- for name in obslake.seed_names() -%}
                {%- do seeds.append(graph.nodes['seed.obslake.' ~ name].checksum.checksum) -%}
            {%- endfor -%}
            {%- set seed = local_md5(seeds | join) -%}
            {%- set is_same = is_complete and not run.is_changed and run.published.seed == seed -%}
            {%- set models = obslake.refresh_table('refresh_models') -%}
            checkpoint;
            create or replace temp table published_marts as
            select publish_marts('{{ run.published.file if is_same }}') as answer;
            select error(answer[2:]) from published_marts where answer[1] = '!';
            {% if is_complete -%}
            insert into {{ models }} (model, code, docs)
            select 'published', '{{ seed }}', answer from published_marts;
            {%- endif %}
            drop table published_marts
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Start the state of this run, which is stored in dbt's graph, the only object that all models of a run share:
    `definitions` of views and functions, hashes of code (`codes`), whether something has changed for readers
    (`is_changed`), and what the last complete run published. Returns the stored row of each model, by name. -#}
{% macro begin_run() -%}
    {%- set models = obslake.refresh_table('refresh_models') -%}
    {%- set known, definitions = {}, {} -%}
    {%- for row in run_query('select model, code, wanted_code, docs from ' ~ models).rows -%}
        {%- do known.update({row[0]: row}) -%}
        {%- do definitions.update({row[0]: row[3]}) -%}
    {%- endfor -%}
    {%- set published = {} -%}
    {%- if 'published' in known -%}
        {%- do published.update({'seed': known.published[1], 'file': known.published[3]}) -%}
        {#- Until this run publishes, or is complete and changes nothing. -#}
        {%- do run_query('delete from ' ~ models ~ " where model = 'published'") -%}
    {%- endif -%}
    {%- do graph.update({'obslake_run': {
        'definitions': definitions, 'codes': {}, 'is_changed': false, 'published': published,
    }}) -%}
    {{ return(known) }}
{%- endmacro %}

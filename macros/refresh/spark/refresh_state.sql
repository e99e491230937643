{#- State of the run. `models`: the state of each model, by name, before the first one is built. `built`: names of the
    models that the run has changed. `sources`: the models whose source is stored at the end of the run, with the hash
    of their descriptions. It is stored in dbt's graph, the only object that all models of a run share. -#}
{% macro refresh_state() -%}
    {%- if graph.get('obslake_refresh', {}).get('run') != invocation_id -%}
        {%- set models, sources = {}, {} -%}
        {%- for row in run_query(
            'select model, code = wanted_code, wanted_code, snapshot_id, digest, rules from '
            ~ obslake.refresh_table('refresh_models')
        ).rows -%}
            {%- do models.update({row[0]: {
                'has_same_code': row[1], 'code': row[2], 'source': row.values()[3:],
                'n_stale': 0, 'n_kept': 0, 'n_known': 0,
            }}) -%}
        {%- endfor -%}
        {%- do graph.update({'obslake_refresh': {
            'models': models, 'built': [], 'sources': sources,
        }}) -%}
        {%- set shown = models.get('refresh_source_versions', {'source': []}).source -%}
        {%- set same = [shown[0], shown[1], tojson(obslake.rules())] if shown and shown[1] else [] -%}
        {%- for found in models.values() -%}
            {%- do found.update({'has_same_source': found.has_same_code and found.source | list == same}) -%}
        {%- endfor -%}
        {%- for row in run_query(
            "select
                model,
                count_if(coalesce(wanted, '') <> coalesce(version, '')),
                count_if(wanted = version),
                count(version)
            from (" ~ obslake.versions_of(models.keys()) ~ ") as versions
            group by model"
        ).rows -%}
            {%- do models[row[0]].update({'n_stale': row[1] | int, 'n_kept': row[2] | int, 'n_known': row[3] | int}) -%}
        {%- endfor -%}
        {%- do graph['obslake_refresh'].update({'run': invocation_id}) -%}
    {%- endif -%}
    {{ return(graph['obslake_refresh']) }}
{%- endmacro %}

{#- A hash for each model that is refreshed problem by problem, of all that decides its rows apart from data: its code
    and that of all models above it, every macro that they reach, the contracts, the variables, and the engine. -#}
{% macro code_versions() -%}
    {%- set known, versions = {}, {} -%}
    {%- set rules = local_md5(tojson([target.type, obslake.rules()])) -%}
    {%- for unique_id, node in graph.nodes.items() if node.config.materialized == 'by_problem' -%}
        {%- set parts = obslake.code_of(unique_id, known) -%}
        {%- do versions.update({node.name: local_md5(rules ~ parts.items() | sort | join)}) -%}
    {%- endfor -%}
    {{ return(versions) }}
{%- endmacro %}

{#- Hashes of a node and of all above it, by their ids; each is looked at once. -#}
{% macro code_of(unique_id, known) -%}
    {%- if unique_id not in known -%}
        {%- set node = graph.nodes[unique_id] -%}
        {%- set types = node.columns.values() | map(attribute='data_type') | list -%}
        {%- set own = [node.raw_code, node.contract, node.columns.keys() | list, types] -%}
        {%- set parts = {unique_id: local_md5(tojson(own))} -%}
        {%- for macro_id in node.depends_on.macros -%}
            {%- do parts.update(obslake.code_of_macro(macro_id, known)) -%}
        {%- endfor -%}
        {%- for parent in node.depends_on.nodes if parent.startswith('model.') -%}
            {%- do parts.update(obslake.code_of(parent, known)) -%}
        {%- endfor -%}
        {%- do known.update({unique_id: parts}) -%}
    {%- endif -%}
    {{ return(known[unique_id]) }}
{%- endmacro %}

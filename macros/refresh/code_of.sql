{#- Hashes of a model, of all models above it, and of all macros that these reach, by their ids. -#}
{% macro code_of(unique_id, known) -%}
    {%- if unique_id not in known -%}
        {%- set node = graph.nodes[unique_id] -%}
        {%- set types = node.columns.values() | map(attribute='data_type') | list -%}
        {%- set own = [node.raw_code, node.contract, node.columns.keys() | list, types] -%}
        {%- for other in obslake.contents_by_model(known).get(node.name, []) -%}
            {#- Versions of this content are made when the model is built. -#}
            {%- do own.append(other.config.meta) -%}
        {%- endfor -%}
        {%- set parts = {unique_id: local_md5(tojson(own))} -%}
        {%- for parent in node.depends_on.nodes if parent.startswith('model.') -%}
            {%- do parts.update(obslake.code_of(parent, known)) -%}
        {%- endfor -%}
        {%- for macro_id in node.depends_on.macros -%}
            {%- do obslake.add_code_of_macro(macro_id, parts) -%}
        {%- endfor -%}
        {%- do known.update({unique_id: parts}) -%}
    {%- endif -%}
    {{ return(known[unique_id]) }}
{%- endmacro %}

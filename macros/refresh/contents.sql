{#- The models that show the content of the model that is run. -#}
{% macro contents() -%}
    {%- set found = [] -%}
    {%- set run = graph.get('obslake_run', {'codes': {}}) -%}
    {%- for node in obslake.contents_by_model(run.codes).get(model.name, []) -%}
        {%- if obslake.has_content(node) -%} {%- do found.append(node) -%} {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Hash of what persists as comments. -#}
{% macro docs_version(node) -%}
    {%- set columns = {} -%}
    {%- for name, column in node.columns.items() -%}{%- do columns.update({name: column.description}) -%}{%- endfor -%}
    {{ return(local_md5(tojson([node.description, columns]))) }}
{%- endmacro %}

{#- Hash of what persists as comments. -#}
{% macro docs_version() -%}
    {%- set columns = {} -%}
    {%- for name, column in model.columns.items() -%}{%- do columns.update({name: column.description}) -%}{%- endfor -%}
    {{ return(local_md5(tojson([model.description, columns]))) }}
{%- endmacro %}

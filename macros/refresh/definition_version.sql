{#- Hash of everything that decides what the view or function of a query gives, apart from data, and of its
    comments. -#}
{% macro definition_version(sql) -%}
    {%- set above = obslake.code_of(model.unique_id, graph['obslake_run'].codes) -%}
    {{ return(local_md5(tojson([sql, obslake.docs_version(model), above.items() | sort]))) }}
{%- endmacro %}

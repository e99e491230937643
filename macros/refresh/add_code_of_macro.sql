{#- Add the hashes of a macro and of all that it calls to those that are known of a model. What dbt and its adapter
    bring is left out. -#}
{% macro add_code_of_macro(macro_id, parts) -%}
    {%- set package, name = macro_id.split('.')[1:] -%}
    {%- if macro_id not in parts and package not in ['dbt', 'dbt_' ~ target.type] -%}
        {%- set found = context[package][name].macro -%}
        {%- do parts.update({macro_id: local_md5(found.macro_sql)}) -%}
        {%- for called in found.depends_on.macros -%}
            {%- do obslake.add_code_of_macro(called, parts) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

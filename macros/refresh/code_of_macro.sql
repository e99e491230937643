{#- Those of a macro and of all that it calls; what dbt itself brings is left out. -#}
{% macro code_of_macro(macro_id, known) -%}
    {%- if macro_id not in known -%}
        {#- First, since macros may call each other. -#}
        {%- do known.update({macro_id: {}}) -%}
        {%- set package, name = macro_id.split('.')[1:] -%}
        {%- if package != 'dbt' and not package.startswith('dbt_') -%}
            {%- set found = context[package][name].macro -%}
            {%- set parts = {macro_id: local_md5(found.macro_sql)} -%}
            {%- for called in found.depends_on.macros -%}
                {%- do parts.update(obslake.code_of_macro(called, known)) -%}
            {%- endfor -%}
            {%- do known.update({macro_id: parts}) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(known[macro_id]) }}
{%- endmacro %}

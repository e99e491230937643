{#- What one side of the behaviour transitions is, as SQL texts: null for what the variable does not name. -#}
{% macro transition_context(side) -%}
    {%- set contexts = var('obslake_transitions') or {} -%}
    {%- set given = contexts.get(side) or {} -%}
    {%- set parts = ['run_id', 'environment_id', 'revision'] -%}
    {%- for name in contexts if name not in ['from', 'to'] -%}
        {{ exceptions.raise_compiler_error('obslake_transitions has from and to, not ' ~ name) }}
    {%- endfor -%}
    {%- for name in given if name not in parts -%}
        {{ exceptions.raise_compiler_error(
            'obslake_transitions: ' ~ side ~ ' is chosen by ' ~ parts | join(', ') ~ ', not by ' ~ name
        ) }}
    {%- endfor -%}
    {%- set before, after = contexts.get('from') or {}, contexts.get('to') or {} -%}
    {%- if (before.get('revision') is none) != (after.get('revision') is none) -%}
        {{ exceptions.raise_compiler_error(
            'obslake_transitions: name the revision of both from and to, or of neither'
        ) }}
    {%- endif -%}
    {%- set context = {} -%}
    {%- for name in parts -%}
        {%- set value = given.get(name) -%}
        {%- do context.update({
            name: 'cast(null as string)' if value is none else obslake.text_literal(value | string)
        }) -%}
    {%- endfor -%}
    {{ return(context) }}
{%- endmacro %}

{#- The parts of one side of `obslake_transitions` as SQL expressions, null if the variable does not name them. -#}
{% macro transition_context(side) -%}
    {%- set contexts = var('obslake_transitions') or {} -%}
    {%- set given = contexts.get(side) or {} -%}
    {%- set parts = ['run_id', 'environment_id', 'revision'] -%}
    {%- for name in contexts if name not in ['from', 'to'] -%}
        {{ exceptions.raise_compiler_error('obslake_transitions: its keys are from and to, not ' ~ name) }}
    {%- endfor -%}
    {%- for name in given if name not in parts -%}
        {{ exceptions.raise_compiler_error(
            'obslake_transitions: the keys of ' ~ side ~ ' are ' ~ parts | join(', ') ~ ', not ' ~ name
        ) }}
    {%- endfor -%}
    {%- set before, after = contexts.get('from') or {}, contexts.get('to') or {} -%}
    {%- if (before.get('revision') is none) != (after.get('revision') is none) -%}
        {{ exceptions.raise_compiler_error(
            'obslake_transitions: give a revision for both from and to, or for neither'
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

{#- The parts of `obslake_as_of` that are given, as SQL literals; none if everything counts. -#}
{% macro as_of_context() -%}
    {%- set given = var('obslake_as_of') or {} -%}
    {%- set parts = ['run_id', 'environment_id', 'revision'] -%}
    {%- set context = {} -%}
    {%- if given is not mapping or given.keys() | reject('in', parts + ['data_set_id']) | list -%}
        {{ exceptions.raise_compiler_error(
            'obslake_as_of: its keys are ' ~ parts | join(', ') ~ ' and data_set_id, not ' ~ tojson(given)
        ) }}
    {%- endif -%}
    {%- for name, value in given.items() -%}
        {%- if value is none or value | string == '' -%}
            {{ exceptions.raise_compiler_error('obslake_as_of: ' ~ name ~ ' has no value') }}
        {%- endif -%}
        {%- do context.update({name: obslake.text_literal(value | string)}) -%}
    {%- endfor -%}
    {%- if 'data_set_id' in context and context | length == 1 -%}
        {{ exceptions.raise_compiler_error(
            'obslake_as_of: data_set_id needs one of ' ~ parts | join(', ') ~ ', because it only says where'
        ) }}
    {%- endif -%}
    {{ return(context) }}
{%- endmacro %}

{#- The columns that the first line of a seed's file names; all columns if the file is empty. -#}
{% macro seed_header(seed, file) -%}
    {%- set columns = seed.config.column_types.keys() | list -%}
    {%- set lines -%}
        select line
        from read_csv(
            {{ obslake.text_literal(file) }},
            header = false, auto_detect = false, delim = '{{ '\x01' }}', quote = '', escape = '', strict_mode = false,
            columns = {'line': 'varchar'}
        )
        limit 1
    {%- endset -%}
    {%- set found = run_query(lines).rows -%}
    {%- if not found -%}
        {{ return(columns) }}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for name in found[0][0].split(',') -%}
        {%- do names.append(name | replace('"', '') | replace('\ufeff', '') | trim) -%}
    {%- endfor -%}
    {%- set unknown = names | reject('in', columns) | list -%}
    {%- if unknown -%}
        {%- do exceptions.raise_compiler_error(
            seed.original_file_path ~ ' has a column ' ~ unknown | join(', ') ~ ', which ' ~ seed.name
            ~ ' do not have\n'
            ~ '  their columns: ' ~ columns | join(', ')
        ) -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}

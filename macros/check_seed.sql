{#- Raise an error for an invalid row of a seed when the model that reads it runs. The first columns of the query of
    faults identify the row, as their labels say; the last one is the fault. -#}
{% macro check_seed(name, faults, labels) -%}
    {%- if execute and model.resource_type == 'model' and flags.WHICH in ['run', 'build'] -%}
        {%- set found = run_query(faults ~ ' order by ' ~ range(1, labels | length + 1) | join(', ')) -%}
        {%- if found.rows -%}
            {%- set first = found.rows[0].values() -%}
            {%- set parts = [name] -%}
            {%- for label in labels -%}
                {%- set nothing = '(none)' if loop.last else '(any)' -%}
                {%- do parts.append(label ~ ' ' ~ (first[loop.index0] or nothing)) -%}
            {%- endfor -%}
            {%- do exceptions.raise_compiler_error(parts | join(', ') ~ ': ' ~ first[-1]) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

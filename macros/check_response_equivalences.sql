{#- Raise an error for invalid response equivalences when the model that reads them runs. -#}
{% macro check_response_equivalences(relation) -%}
    {%- if execute and model.resource_type == 'model' and flags.WHICH in ['run', 'build'] -%}
        {%- set faults = run_query(obslake.faulty_response_equivalences(relation) ~ ' order by 1, 2, 3, 4') -%}
        {%- if faults.rows -%}
            {%- set first = faults.rows[0] -%}
            {%- do exceptions.raise_compiler_error(
                'response_equivalences, data set ' ~ (first[0] or '(any)') ~ ', problem ' ~ (first[1] or '(any)')
                ~ ', rule ' ~ (first[2] or '(none)') ~ ': ' ~ first[4]
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

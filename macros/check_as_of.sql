{#- Raise an error if no run has what `obslake_as_of` names, with the nearest name that one has, when the model that
    sets the other runs aside runs. While nothing is known, nothing is unknown. `in_context` is a query of the runs that
    have all of it. -#}
{% macro check_as_of(run_failures, implementations, in_context) -%}
    {%- if execute and model.resource_type == 'model' and flags.WHICH in ['run', 'build'] -%}
        {%- for column, name in obslake.as_of_context().items() -%}
            {%- set found = run_query(
                'select distinct ' ~ column ~ ' as known, ' ~ obslake.name_distance(column, name)
                ~ ' as distance, case when ' ~ column ~ ' = ' ~ name ~ ' then 0 else 1 end as is_other from '
                ~ (implementations if column == 'revision' else run_failures) ~ ' where ' ~ column
                ~ ' is not null order by is_other, distance, known limit 1'
            ).rows -%}
            {%- if found and found[0][2] | int == 1 -%}
                {%- do exceptions.raise_compiler_error(
                    'obslake_as_of: no ' ~ column | replace('_id', '') | replace('_', ' ') ~ ' ' ~ name
                    ~ "; did you mean '" ~ found[0][0] ~ "'?"
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if run_query('select 1 from ' ~ run_failures ~ ' limit 1').rows
            and not run_query('select 1 from (' ~ in_context ~ ') as runs limit 1').rows -%}
            {%- do exceptions.raise_compiler_error(
                'obslake_as_of: no run has all of ' ~ tojson(var('obslake_as_of'))
                ~ '\n  the mart runs has the runs with their environments, implementations the revisions'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

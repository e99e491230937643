{#- Raise an error for a run, environment or revision in `obslake_transitions` that no data set has, with the nearest
    name that one has, when the model that compares them runs. While nothing is known, nothing is unknown. -#}
{% macro check_transitions() -%}
    {#- Unit tests of the model have no other relations. -#}
    {%- if model.resource_type == 'model' -%}
        {%- set signatures, implementations = ref('response_signatures'), ref('implementations') -%}
        {%- if execute and flags.WHICH in ['run', 'build'] -%}
            {%- for side, context in (var('obslake_transitions') or {}).items() -%}
                {%- for column, value in (context or {}).items() if value is not none -%}
                    {%- set name = obslake.text_literal(value | string) -%}
                    {%- set relation = implementations if column == 'revision' else signatures -%}
                    {%- set found = run_query(
                        'select distinct ' ~ column ~ ' as known, ' ~ obslake.name_distance(column, name)
                        ~ ' as distance, case when ' ~ column ~ ' = ' ~ name ~ ' then 0 else 1 end as is_other from '
                        ~ relation ~ ' where ' ~ column ~ ' is not null order by is_other, distance, known limit 1'
                    ).rows -%}
                    {%- if found and found[0][0] != value | string -%}
                        {%- do exceptions.raise_compiler_error(
                            'obslake_transitions: no ' ~ column | replace('_id', '') ~ " '" ~ value ~ "' of the side "
                            ~ side ~ " in any data set; did you mean '" ~ found[0][0] ~ "'?"
                        ) -%}
                    {%- endif -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

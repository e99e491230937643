{#- Put a version unlike any other in the place of those of stale problems, or of all that the model holds: whatever
    happens until the model's rows are what they have to be, these problems are stale, also where they are gone. -#}
{% macro distrust_versions(only_stale) -%}
    update {{ ref('refresh_built_versions') }}
    set version = '{{ invocation_id }}'
    where
        model = '{{ model.name }}'
        {%- if only_stale %}
        and (data_set_id, problem_id) in (
            select data_set_id, problem_id from {{ ref('refresh_stale_problems') }}
            where model = '{{ model.name }}'
        )
        {%- endif %}
{%- endmacro %}

{#- Keep which versions the model holds now. -#}
{% macro keep_built_versions() -%}
    insert into {{ ref('refresh_built_versions') }}
    select model, data_set_id, problem_id, version
    from {{ ref('refresh_stale_problems') }}
    where model = '{{ model.name }}' and version is not null
{%- endmacro %}

{#- Forget the versions of what was built anew. -#}
{% macro forget_stale_versions() -%}
    delete from {{ ref('refresh_built_versions') }}
    where model = '{{ model.name }}' and (data_set_id, problem_id) in (
        select data_set_id, problem_id from {{ ref('refresh_stale_problems') }}
        where model = '{{ model.name }}'
    )
{%- endmacro %}

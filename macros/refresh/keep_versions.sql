{#- Keep which versions the model holds now: none of problems that are gone. -#}
{% macro keep_versions() -%}
    update {{ obslake.refresh_table('refresh_problems') }}
    set version = wanted, common = wanted_common, built_at = wanted_at
    where model = '{{ model.name }}' and is_stale
{%- endmacro %}

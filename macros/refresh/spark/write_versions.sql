{#- Statement that replaces the rows of the model in `refresh_problems`, in one commit. -#}
{% macro write_versions(rows) -%}
    insert into {{ obslake.refresh_table('refresh_problems') }} replace where model = '{{ model.name }}'
    {{ rows }}
{%- endmacro %}

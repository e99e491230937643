{#- Let dbt build what the refresh reads before the model that is parsed. Only what stands first needs it: staging
    models, or, where these read relations of another project, the models that read them. -#}
{% macro after_refresh() -%}
    {%- do [ref('refresh_source_versions'), ref('refresh_problem_numbers')] -%}
{%- endmacro %}

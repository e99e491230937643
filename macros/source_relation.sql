{#- The relation that a staging model reads; none if a project that installs this one as a package names its
    observations, but not this relation. -#}
{% macro source_relation(name) -%}
    {%- set relation = var('obslake_' ~ name) -%}
    {%- if relation -%}
        {{ return(relation) }}
    {%- elif var('obslake_observations') -%}
        {{ return(none) }}
    {%- elif name in obslake.seed_names() -%}
        {{ return(obslake.relation_without_database(ref(name))) }}
    {%- endif -%}
    {{ return(source('obslake', name)) }}
{%- endmacro %}

{#- Whether the models read the tables of the lakehouse, not relations of a project that installs this one as a package.
    For hooks of the invocation, in which dbt cannot resolve a `ref` in the variable: they check the dependencies of the
    model instead. -#}
{% macro reads_lakehouse() -%}
    {%- set model = graph.nodes.get('model.obslake.stg_observations') if execute else none -%}
    {{ return(model is not none and 'source.obslake.obslake.observations' in model.depends_on.nodes) }}
{%- endmacro %}

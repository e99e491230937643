{#- Whether the model that is run is refreshed problem by problem. -#}
{% macro is_refreshed() -%}
    {{ return(execute and model.config.materialized == 'incremental' and model.fqn[1] != 'refresh') }}
{%- endmacro %}

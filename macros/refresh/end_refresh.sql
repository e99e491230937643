{#- Hook: keep what the model holds now, in the transaction of its rows where the engine has any. -#}
{% macro end_refresh() -%}
    {%- if obslake.is_refreshed() -%}
        {{ return(obslake.statement_sequence([obslake.keep_built_versions(), obslake.keep_model_snapshot()])) }}
    {%- endif -%}
{%- endmacro %}

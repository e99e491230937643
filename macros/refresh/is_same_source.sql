{#- Condition that a row of `refresh_models` was built from the snapshot that is shown, by the rules of today. -#}
{% macro is_same_source() -%}
    models.digest = shown.digest and models.snapshot_id = shown.snapshot_id
    and models.rules = {{ obslake.text_literal(tojson(obslake.rules())) }}
{%- endmacro %}

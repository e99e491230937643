{#- Whether the model that is run is refreshed column by column: only the implementations of which something else is
    known are built again, because the rows of one follow from what is known of it alone. Each has rows in `this` and
    in the relations that are read, by `implementation_id`. -#}
{% macro builds_columns() -%}
    {{ return(obslake.refreshes_columns() and model.config.meta.get('unit') == 'column') }}
{%- endmacro %}

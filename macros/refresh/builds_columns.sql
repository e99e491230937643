{#- Whether the model that is run is refreshed column by column: only implementations with new or missing rows are built
    again, because no row depends on another implementation, or only on earlier ones in an order (`meta.ordered_by`).
    `this` and the relations that are read have an `implementation_id`. -#}
{% macro builds_columns() -%}
    {{ return(obslake.refreshes_columns() and model.config.meta.get('unit') == 'column') }}
{%- endmacro %}

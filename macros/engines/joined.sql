{#- Aggregate: texts that are not null, in the order of other texts, with commas between them. -#}
{% macro joined(text, order) -%}
    {{ return(adapter.dispatch('joined', 'obslake')(text, order)) }}
{%- endmacro %}

{% macro default__joined(text, order) -%}
    {{ exceptions.raise_compiler_error('joined has no form for ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__joined(text, order) -%}
    string_agg({{ text }}, ',' order by {{ order }})
{%- endmacro %}

{% macro spark__joined(text, order) -%}
    array_join(transform(
        array_sort(collect_list(case when {{ text }} is not null then struct({{ order }} as place, {{ text }} as item) end)),
        placed -> placed.item
    ), ',')
{%- endmacro %}

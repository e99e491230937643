{#- Aggregate: the texts that are not null, joined by commas, in the order of other texts. -#}
{% macro ordered_list_text(text, order) -%}
    {{ return(adapter.dispatch('ordered_list_text', 'obslake')(text, order)) }}
{%- endmacro %}

{% macro default__ordered_list_text(text, order) -%}
    {{ exceptions.raise_compiler_error('ordered_list_text does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__ordered_list_text(text, order) -%}
    string_agg({{ text }}, ',' order by {{ order }})
{%- endmacro %}

{% macro spark__ordered_list_text(text, order) -%}
    array_join(transform(
        array_sort(collect_list(
            case when {{ text }} is not null then struct({{ order }} as place, {{ text }} as item) end
        )),
        placed -> placed.item
    ), ',')
{%- endmacro %}

{#- Aggregate: the texts that are not null, joined by commas or another separator, in the order of other texts. -#}
{% macro ordered_list_text(text, order, separator=',') -%}
    {{ return(adapter.dispatch('ordered_list_text', 'obslake')(text, order, separator)) }}
{%- endmacro %}

{% macro default__ordered_list_text(text, order, separator) -%}
    {{ exceptions.raise_compiler_error('ordered_list_text does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__ordered_list_text(text, order, separator) -%}
    {#- `string_agg` with an order takes four times as long. -#}
    array_to_string(list({{ text }} order by {{ order }}) filter (where {{ text }} is not null), '{{ separator }}')
{%- endmacro %}

{% macro spark__ordered_list_text(text, order, separator) -%}
    array_join(transform(
        array_sort(collect_list(
            case when {{ text }} is not null then struct({{ order }} as place, {{ text }} as item) end
        )),
        placed -> placed.item
    ), '{{ separator }}')
{%- endmacro %}

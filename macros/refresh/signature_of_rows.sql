{#- Signature of what these columns of rows contain: an aggregate that depends neither on order nor on engine. -#}
{% macro signature_of_rows(relation, columns) -%}
    {%- set cells = [] -%}
    {%- for column in columns -%}
        {%- do cells.append("coalesce(md5(cast(" ~ relation ~ "." ~ column ~ " as string)), '-')") -%}
    {%- endfor -%}
    {{ return(obslake.signature("concat_ws(':', " ~ cells | join(', ') ~ ")")) }}
{%- endmacro %}

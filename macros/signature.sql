{#- Signature of a multiset of texts: an aggregate that depends on neither order nor engine, 32 hexadecimal digits. It
    sums both halves of the md5 of each text, so that equal texts add up instead of cancelling out. -#}
{% macro signature(text) -%}
    md5(concat_ws(
        ':',
        cast(count({{ text }}) as string),
        cast(sum({{ obslake.md5_lane(text, 0) }}) as string),
        cast(sum({{ obslake.md5_lane(text, 1) }}) as string)
    ))
{%- endmacro %}

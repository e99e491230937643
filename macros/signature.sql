{#- Signature of a multiset of texts: an aggregate that depends on neither order nor engine, 32 hexadecimal digits. It
    sums both halves of the md5 of each item, so that equal items add up instead of cancelling out. -#}
{% macro signature(item_hash) -%}
    md5(concat_ws(
        ':',
        cast(count({{ item_hash }}) as string),
        cast(sum({{ obslake.hash_lane(item_hash, 1) }}) as string),
        cast(sum({{ obslake.hash_lane(item_hash, 17) }}) as string)
    ))
{%- endmacro %}

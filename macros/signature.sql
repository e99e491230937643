{#- Signature of a set of texts: an aggregate that depends on neither order nor engine. Every item counts
    by its md5 in two sums, so that equal items add up instead of cancelling out. Returns 128 bits as 32
    hexadecimal digits. -#}
{% macro signature(item_hash) -%}
    md5(concat_ws(
        ':',
        cast(count({{ item_hash }}) as string),
        cast(sum({{ obslake.hash_lane(item_hash, 1) }}) as string),
        cast(sum({{ obslake.hash_lane(item_hash, 17) }}) as string)
    ))
{%- endmacro %}

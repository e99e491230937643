{#- A bound of the 95 % interval of a share, by Wilson's score: of `part` in `whole`, which is not 0. The `sign` is - or
    +. -#}
{% macro share_bound(part, whole, sign) -%}
    (
        ({{ part }} + 1.9207) / ({{ whole }} + 3.8415)
        {{ sign }} 1.95996 / ({{ whole }} + 3.8415) * sqrt(
            cast({{ part }} as double) * ({{ whole }} - {{ part }}) / {{ whole }} + 0.9604
        )
    )
{%- endmacro %}

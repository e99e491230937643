{#- A bound of the 95 % interval of a share, by Wilson's score: of `part` in `whole`, which is not 0. The `sign` is - or
    +. Numbers with an exponent are doubles on every engine; without one, they are decimals of different precision. -#}
{% macro share_bound(part, whole, sign) -%}
    (
        ({{ part }} + 1.920729e0) / ({{ whole }} + 3.841459e0)
        {{ sign }} 1.959964e0 / ({{ whole }} + 3.841459e0) * sqrt(
            cast({{ part }} as double) * ({{ whole }} - {{ part }}) / {{ whole }} + 0.960365e0
        )
    )
{%- endmacro %}

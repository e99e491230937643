{#- A bound of the 95 % interval of a share, by Wilson's score: of `part` in `whole`, which is not 0. The `sign` is - or
    +. -#}
{% macro share_bound(part, whole, sign) -%}
    (
        ({{ part }} + 1.920729) / ({{ whole }} + 3.841459)
        {{ sign }} 1.959964 / ({{ whole }} + 3.841459) * sqrt(
            cast({{ part }} as double) * ({{ whole }} - {{ part }}) / {{ whole }} + 0.960365
        )
    )
{%- endmacro %}

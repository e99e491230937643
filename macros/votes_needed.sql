{#- How many votes an oracle needs, by the columns of `support_fields`: the least whole number that is at least the
    share, or greater than it, and the offset. -#}
{% macro votes_needed(n_voters, n_implementations, supports='supports') -%}
    {%- set total -%}
        (
            {{ supports }}.support_numerator
            * case when {{ supports }}.is_support_of_voters then {{ n_voters }} else {{ n_implementations }} end
            + {{ supports }}.support_excess + {{ supports }}.support_denominator - 1
        )
    {%- endset -%}
    {#- An integer division, which engines write differently. -#}
    cast(
        ({{ total }} - {{ total }} % {{ supports }}.support_denominator) / {{ supports }}.support_denominator as bigint
    ) + {{ supports }}.support_offset
{%- endmacro %}

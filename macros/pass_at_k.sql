{#- The unbiased estimator of pass@k, the probability that at least one of k implementations drawn without replacement
    passes: 1 - C(n - c, k) / C(n, k), as a product, which neither overflows nor divides by zero. Exactly 1 if fewer
    than k fail, because one factor is 0; null if there are fewer than k. -#}
{% macro pass_at_k(n_implementations, n_passing, k) -%}
    case
        when {{ n_implementations }} >= {{ k }}
            then round(1 - (
                {%- for drawn in range(k) %}
                {{ '* ' if not loop.first -}}
                ({{ n_implementations }} - {{ n_passing }} - {{ drawn }})
                / cast({{ n_implementations }} - {{ drawn }} as double)
                {%- endfor %}
            ), 6)
    end
{%- endmacro %}

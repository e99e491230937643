{#- Query of the rows of a relation of executions, in the order of places and times, each with `is_disagreement`: the
    same implementation answered differently right before; and `is_flip`: that, or the executions before and after it
    have the same other response. -#}
{% macro with_flips(relation, stimulus) -%}
    {%- set in_order -%}
        over (partition by {{ stimulus | join(', ') }} order by revision_place, observed_at, run_id, attempt)
    {%- endset -%}
    select
        *,
        case when response_hash <> hash_before and implementation_id = implementation_before then 1 else 0 end
            as is_disagreement,
        case
            when
                response_hash <> hash_before
                and (implementation_id = implementation_before or hash_before = hash_after)
                then 1
            else 0
        end as is_flip
    from (
        select
            *,
            lag(response_hash) {{ in_order }} as hash_before,
            lead(response_hash) {{ in_order }} as hash_after,
            lag(implementation_id) {{ in_order }} as implementation_before
        from {{ relation }}
    ) as neighbours
{%- endmacro %}

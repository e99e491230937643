{#- Query of the rows of a relation, one row per step of each sequence, each with what was put in: `input_hash` of the
    stimulus itself (its operation, target and inputs), `occurrence`, its number among equal ones of the sequence, and
    `content_hash`, which includes what was executed before it. A stimulus that was not executed has no content. The
    rows must have inputs. -#}
{% macro with_contents(relation, sequence) -%}
    {%- set columns = sequence | join(', ') -%}
    {%- set item -%}
        concat_ws(':', cast(place as string), input_hash)
    {%- endset -%}
    {%- set so_far -%}
        over (partition by {{ columns }} order by step_id rows between unbounded preceding and current row)
    {%- endset -%}
    select
        *,
        case
            when is_executed
                then md5(concat_ws(
                    ':',
                    cast(place as string),
                    cast(sum(case when is_executed then {{ obslake.md5_lane(item, 0) }} end) {{ so_far }} as string),
                    cast(sum(case when is_executed then {{ obslake.md5_lane(item, 1) }} end) {{ so_far }} as string)
                ))
        end as content_hash
    from (
        select
            *,
            sum(case when is_executed then 1 else 0 end) {{ so_far }} as place,
            row_number() over (partition by {{ columns }}, input_hash order by step_id) as occurrence
        from (
            select
                *,
                md5(concat_ws(
                    ':',
                    coalesce(md5(operation), '-'),
                    coalesce(md5(target), '-'),
                    md5(inputs)
                )) as input_hash
            from {{ relation }}
        ) as hashed
    ) as placed
{%- endmacro %}

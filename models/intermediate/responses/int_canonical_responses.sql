-- The distinct responses that rules of their problem make equal to other texts, with their canonical form.

with

rules as (

    select * from {{ ref('refresh_response_rules') }}
    where is_by_exception_class

),

observations as (

    select
        data_set_id,
        problem_id,
        {{ obslake.response_text('output', 'response_kind') }} as response
    from {{ obslake.stale_rows(ref('stg_observations')) }}
    where response_kind = 'exception'

),

exceptions as (

    select distinct
        observations.data_set_id,
        observations.problem_id,
        observations.response
    from observations
    inner join rules
        on observations.data_set_id = rules.data_set_id and observations.problem_id = rules.problem_id
    where substr(observations.response, 1, 11) = '$EXCEPTION@'

),

members as (

    select * from {{ obslake.stale_rows(ref('int_json_nodes')) }}

),

{#- Level by level, from the innermost: the members of a container become its body. -#}
{%- set n_levels = obslake.steps_needed(obslake.json_depth_limit(), ref('int_json_nodes'), 'level', beyond=1) %}
{%- for level in range(n_levels, 0, -1) %}

    level_{{ level }} as {{ obslake.computed_once() }} (

        select
            data_set_id,
            problem_id,
            exact_hash,
            max(case when level < {{ level }} then container end) as container,
            joining as opened,
            {{ level - 1 }} as level,
            max(case when level < {{ level }} then prefix end) as prefix,
            coalesce(
                {{ obslake.ordered_list_text(
                    'case when level = ' ~ level ~ ' then prefix || body || suffix end',
                    'coalesce(place, prefix || body || suffix)'
                ) }},
                ''
            ) as body,
            max(case when level < {{ level }} then suffix end) as suffix,
            max(case when level < {{ level }} then place end) as place
        from (
            select
                data_set_id,
                problem_id,
                exact_hash,
                container,
                opened,
                level,
                prefix,
                body,
                suffix,
                place,
                case when level = {{ level }} then container else opened end as joining
            from members
            where (level = {{ level }} and opened is null) or (level = {{ level - 1 }} and opened is not null)
            {%- if not loop.first %}
                union all
                select
                    *,
                    container as joining
                from level_{{ level + 1 }}
            {%- endif %}
        ) as of_level
        group by data_set_id, problem_id, exact_hash, joining

    ),
{%- endfor %}

canonical_responses as (

    select
        data_set_id,
        problem_id,
        'value' as response_kind,
        exact_hash,
        prefix || body || suffix as canonical_response
    from level_1
    union all
    select
        data_set_id,
        problem_id,
        'value' as response_kind,
        exact_hash,
        body as canonical_response
    from members
    where level = 0 and opened is null
    union all
    select
        data_set_id,
        problem_id,
        'exception' as response_kind,
        md5(response) as exact_hash,
        '$EXCEPTION@' || split_part(response, '@', 2) as canonical_response
    from exceptions

),

hashed as (

    select
        *,
        md5(canonical_response) as response_hash
    from canonical_responses

),

final as (

    select * from hashed
    where response_hash <> exact_hash

)

select * from final

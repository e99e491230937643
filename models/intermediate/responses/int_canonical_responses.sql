-- The distinct responses that rules of their problem make equal to other texts, with their canonical form.

{%- set keys = ['data_set_id', 'problem_id', 'test_pattern', 'response_kind', 'exact_hash'] %}

with

rules as (

    select * from {{ ref('refresh_response_rules') }}

),

ruled_responses as (

    select * from {{ obslake.stale_rows(ref('int_ruled_responses')) }}

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
            test_pattern,
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
                test_pattern,
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
        group by data_set_id, problem_id, test_pattern, exact_hash, joining

    ),
{%- endfor %}

json_responses as {{ obslake.computed_once() }} (

    select
        data_set_id,
        problem_id,
        test_pattern,
        'value' as response_kind,
        exact_hash,
        prefix || body || suffix as canonical_response
    from level_1
    union all
    select
        data_set_id,
        problem_id,
        test_pattern,
        'value' as response_kind,
        exact_hash,
        body as canonical_response
    from members
    where level = 0 and opened is null

),

-- Other texts than JSON, and exceptions.
texts as (

    select
        ruled_responses.data_set_id,
        ruled_responses.problem_id,
        ruled_responses.test_pattern,
        ruled_responses.response_kind,
        ruled_responses.exact_hash,
        ruled_responses.prefix,
        rules.significant_digits as n_digits,
        ruled_responses.text,
        rules.is_rounded_in_text and (ruled_responses.text like '%.%' or lower(ruled_responses.text) like '%e%')
            as has_floats
    from ruled_responses
    inner join rules
        on
            ruled_responses.data_set_id = rules.data_set_id
            and ruled_responses.problem_id = rules.problem_id
            and ruled_responses.test_pattern = rules.test_pattern
    left join json_responses
        on
            ruled_responses.data_set_id = json_responses.data_set_id
            and ruled_responses.problem_id = json_responses.problem_id
            and ruled_responses.test_pattern = json_responses.test_pattern
            and ruled_responses.response_kind = json_responses.response_kind
            and ruled_responses.exact_hash = json_responses.exact_hash
    where json_responses.exact_hash is null

),

split_texts as (

    select
        *,
        {{ obslake.text_pieces('text') }} as pieces
    from texts
    where has_floats

),

pieces as (

    {{ obslake.array_elements('split_texts', keys + ['prefix', 'n_digits'], 'pieces') | indent(4) }}

),

-- A full stop after a number does not belong to it.
words as (

    select
        *,
        case when token like '%.%.' or lower(token) like '%e%.' then '.' else '' end as stop,
        replace(token, '≈', '') as word
    from pieces

),

-- A float is a word of its own: digits with a point or an exponent, without letters beside them.
floats as (

    select
        *,
        substr(word, 1, length(word) - length(stop)) as number,
        (word like '%.%' or lower(word) like '%e%')
        and regexp_replace(
            substr(word, 1, length(word) - length(stop)),
            '^(?:[0-9]+[.][0-9]*|[.][0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?$',
            ''
        ) = '' as is_float
    from words

),

rounded_floats as (

    {{ obslake.canonical_numbers('floats', 'false') | indent(4) }}

),

-- The mark keeps a text such as `.5` from becoming JSON.
rounded_texts as (

    select
        {{ keys | join(', ') }},
        prefix,
        {{ obslake.ordered_list_text(
            "case when is_float then '≈' || written || stop else token end",
            "lpad(cast(position as string), 10, '0')",
            separator=''
        ) }} as text
    from rounded_floats
    group by {{ keys | join(', ') }}, prefix

),

canonical_responses as (

    select * from json_responses
    union all
    select
        {{ keys | join(', ') }},
        prefix || text as canonical_response
    from texts
    where not has_floats
    union all
    select
        {{ keys | join(', ') }},
        prefix || text as canonical_response
    from rounded_texts

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

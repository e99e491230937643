-- Responses that rules of their problem make equal to other texts, each once, with its canonical form.
--
-- JSON is taken apart into tokens, one row each. From the innermost containers outwards their members are joined to
-- one text again, in an order that does not depend on the one in which they stood where the rules say so.

{#- How deeply containers may be nested. -#}
{%- set deepest = 24 %}
{%- set by_text = ['"$set"', '"$frozenset"'] %}
{%- set sequences = ['"$iterator"', '"$iterator_prefix"'] %}

with

rules as (

    select * from {{ ref('refresh_response_rules') }}

),

observations as (

    select
        data_set_id,
        problem_id,
        response_kind,
        {{ obslake.response_text('output', 'response_kind') }} as response
    from {{ obslake.stale_rows(ref('stg_observations')) }}
    where response_kind in ('exception', 'value')

),

responses as (

    select distinct
        observations.data_set_id,
        observations.problem_id,
        observations.response_kind,
        observations.response,
        rules.is_by_key,
        rules.significant_digits,
        rules.unordered_arrays
    from observations
    inner join rules
        on observations.data_set_id = rules.data_set_id and observations.problem_id = rules.problem_id
    where
        (observations.response_kind = 'exception' and rules.is_by_exception_class)
        -- Tokens of the response protocol are no JSON.
        or (
            observations.response_kind = 'value'
            and rules.is_json
            and substr(observations.response, 1, 1) <> '$'
            -- Without brackets, white space, points and exponents there is nothing that could be written otherwise.
            and translate(observations.response, '[{.eE ' || chr(9) || chr(10) || chr(13), '') <> observations.response
        )

),

identified as (

    select
        *,
        md5(response) as exact_hash,
        md5(concat_ws(
            ':', cast(is_by_key as string), cast(significant_digits as string), unordered_arrays, response
        )) as text_id
    from responses

),

-- Many problems have the same responses, and the same rules.
texts as (

    select distinct
        text_id,
        response,
        is_by_key,
        significant_digits,
        unordered_arrays
    from identified
    where response_kind = 'value'

),

tokenised as (

    select
        text_id,
        {{ obslake.json_tokens('response') }} as tokens
    from texts

),

tokens as (

    {{ obslake.exploded('tokenised', ['text_id'], 'tokens') | indent(4) }}

),

measured as (

    select
        *,
        sum(case when token in ('{', '[') then 1 when token in ('}', ']') then -1 else 0 end) over (
            partition by text_id
            order by position
            rows between unbounded preceding and current row
        ) as depth
    from tokens

),

-- The container that a token is in is the one that was opened last at its depth. Its number is the position of its
-- bracket, twice, and one more where it is an object.
contained as (

    select
        *,
        case when token in ('}', ']') then depth + 1 else depth end as level,
        coalesce(
            max(case token when '{' then 2 * position + 1 when '[' then 2 * position end) over (
                partition by text_id, case when token in ('}', ']') then depth + 1 else depth end
                order by position
                rows between unbounded preceding and current row
            ),
            0
        ) as own_container
    from measured

),

-- A bracket that opens a container is a member of the one around it, in which the token before it is.
nested as (

    select
        *,
        case
            when token in ('{', '[')
                then coalesce(lag(own_container) over (partition by text_id order by position), 0)
            else own_container
        end as container
    from contained

),

placed as (

    select
        text_id,
        token,
        position,
        depth,
        container,
        case when token in ('{', '[') then own_container end as opened,
        case when token in ('{', '[') then level - 1 else level end as level,
        case
            when token in ('{', '}', '[', ']', ',', ':') then token
            when token in ('true', 'false', 'null') then 'literal'
            when substr(token, 1, 1) = '"' and length(token) > 1 then 'string'
            when substr(token, 1, 1) between '0' and '9' or (substr(token, 1, 1) = '-' and length(token) > 1)
                then 'number'
            else 'fault'
        end as kind,
        -- In an array every second token is a member, in an object every fourth.
        row_number() over (partition by text_id, container order by position) as place,
        lag(token, 2) over (partition by text_id, container order by position) as member_key,
        count(*) over (partition by text_id, container) as n_tokens
    from nested

),

checked as (

    select
        *,
        case
            when container = 0 then place = 1 and kind in ('{', '[', 'literal', 'string', 'number')
            when mod(container, 2) = 0
                then
                    case
                        when kind = ']' then place = n_tokens and (place = 1 or mod(place, 2) = 0)
                        when mod(place, 2) = 1 then kind in ('{', '[', 'literal', 'string', 'number')
                        else kind = ','
                    end
            when kind = '}' then place = n_tokens and (place = 1 or mod(place, 4) = 0)
            when mod(place, 4) = 1 then kind = 'string'
            when mod(place, 4) = 2 then kind = ':'
            when mod(place, 4) = 3 then kind in ('{', '[', 'literal', 'string', 'number')
            else kind = ','
        end as is_right
    from placed

),

-- Whatever is no JSON, or is nested too deeply, is compared as it is.
readable as (

    select text_id
    from checked
    group by text_id
    having
        min(case when is_right then 1 else 0 end) = 1
        and sum(case when kind in ('{', '[') then 1 when kind in ('}', ']') then -1 else 0 end) = 0
        and max(depth) <= {{ deepest }}

),

member_tokens as (

    select
        checked.text_id,
        checked.token,
        checked.position,
        checked.container,
        checked.opened,
        checked.level,
        checked.kind,
        case when mod(checked.container, 2) = 1 then checked.member_key end as member_key,
        -- An object with one key that begins with a dollar sign is a tagged form.
        case
            when
                mod(checked.container, 2) = 1
                and checked.n_tokens = 4
                and substr(checked.member_key, 1, 2) = '"$'
                then checked.member_key
        end as tag
    from checked
    inner join readable on checked.text_id = readable.text_id
    where
        checked.kind in ('{', '[', 'literal', 'string', 'number')
        and (mod(checked.container, 2) = 0 or mod(checked.place, 4) = 3)

),

-- Whether the order of the members of a container says something. Elements of a set stand in the order of their
-- texts, which rounding may change; the pairs of a dictionary do where those of an object do. An array in any other
-- tagged form, such as a tuple, has a meaning for each place, and so has a pair of a dictionary.
containers as (

    select
        opening.text_id,
        opening.opened,
        case
            when opening.kind = '{' then texts.is_by_key
            when opening.tag in ({{ obslake.quoted_list(by_text) }}) then true
            when opening.tag = '"$dict"' then texts.is_by_key
            when opening.tag not in ({{ obslake.quoted_list(sequences) }}) then false
            when around.kind = '[' and around.tag = '"$dict"' then false
            when texts.unordered_arrays = 'all' then true
            when texts.unordered_arrays = 'outermost'
                then opening.level = case when opening.tag is null then 0 else 1 end
            else false
        end as is_unordered
    from member_tokens as opening
    inner join texts on opening.text_id = texts.text_id
    left join member_tokens as around
        on opening.text_id = around.text_id and opening.container = around.opened
    where opening.opened is not null

),

floats as (

    select distinct
        member_tokens.token,
        texts.significant_digits,
        regexp_replace(replace(replace(split_part(lower(member_tokens.token), 'e', 1), '-', ''), '.', ''), '^0+', '')
            as digits,
        length(split_part(split_part(lower(member_tokens.token), 'e', 1), '.', 2)) as n_decimals,
        replace(split_part(lower(member_tokens.token), 'e', 2), '+', '') as exponent
    from member_tokens
    inner join texts on member_tokens.text_id = texts.text_id
    where
        texts.significant_digits is not null
        and member_tokens.kind = 'number'
        and (lower(member_tokens.token) like '%e%' or member_tokens.token like '%.%')

),

-- Rounded on the digits of the text, half away from zero: a floating-point number would overflow, and be another one
-- on another engine.
scaled as (

    select
        token,
        significant_digits,
        digits,
        coalesce(try_cast(nullif(exponent, '') as bigint), 0) - n_decimals + length(digits) - 1 as exponent,
        cast(substr(rpad(digits, 18, '0'), 1, significant_digits) as bigint)
        + case when substr(rpad(digits, 18, '0'), significant_digits + 1, 1) >= '5' then 1 else 0 end as head
    from floats
    -- An exponent of more digits leaves the number as it is.
    where length(regexp_replace(replace(exponent, '-', ''), '^0+', '')) <= 9

),

rounded as (

    select
        token,
        significant_digits,
        case
            when digits = '' then '0.0e0'
            else concat(
                case when substr(token, 1, 1) = '-' then '-' else '' end,
                substr(cast(head as string), 1, 1),
                '.',
                coalesce(nullif(regexp_replace(substr(cast(head as string), 2), '0+$', ''), ''), '0'),
                'e',
                cast(exponent + length(cast(head as string)) - significant_digits as string)
            )
        end as token_rounded
    from scaled

),

members as (

    select
        member_tokens.text_id,
        member_tokens.container,
        member_tokens.opened,
        member_tokens.level,
        coalesce(member_tokens.member_key || ':', '')
        || case when member_tokens.opened is not null then member_tokens.token else '' end as prefix,
        case when member_tokens.opened is null then coalesce(rounded.token_rounded, member_tokens.token) else '' end
            as body,
        case member_tokens.kind when '{' then '}' when '[' then ']' else '' end as suffix,
        -- Null where the member is put into the order of its text.
        case
            when mod(member_tokens.container, 2) = 0 and containers.is_unordered then null
            else
                case when containers.is_unordered then member_tokens.member_key else '' end
                || lpad(cast(member_tokens.position as string), 10, '0')
        end as place
    from member_tokens
    inner join texts on member_tokens.text_id = texts.text_id
    left join containers
        on member_tokens.text_id = containers.text_id and member_tokens.container = containers.opened
    left join rounded
        on
            member_tokens.kind = 'number'
            and member_tokens.token = rounded.token
            and texts.significant_digits = rounded.significant_digits

),

{#- Of every level one after the other: its members become the body of the container that they are in. -#}
{%- for level in range(deepest, 0, -1) %}

    level_{{ level }} as {{ obslake.materialized() }} (

        select
            text_id,
            max(case when level < {{ level }} then container end) as container,
            joining as opened,
            {{ level - 1 }} as level,
            max(case when level < {{ level }} then prefix end) as prefix,
            coalesce(
                {{ obslake.joined(
                    'case when level = ' ~ level ~ ' then prefix || body || suffix end',
                    'coalesce(place, prefix || body || suffix)'
                ) }},
                ''
            ) as body,
            max(case when level < {{ level }} then suffix end) as suffix,
            max(case when level < {{ level }} then place end) as place
        from (
            select
                *,
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
        group by text_id, joining

    ),
{%- endfor %}

canonical_texts as (

    select
        text_id,
        prefix || body || suffix as canonical_response
    from level_1
    union all
    select
        text_id,
        body as canonical_response
    from members
    where level = 0 and opened is null

),

canonical_responses as (

    select
        identified.data_set_id,
        identified.problem_id,
        identified.response_kind,
        identified.exact_hash,
        case
            when identified.response_kind = 'value'
                then coalesce(canonical_texts.canonical_response, identified.response)
            when substr(identified.response, 1, 11) = '$EXCEPTION@'
                then '$EXCEPTION@' || split_part(identified.response, '@', 2)
            else identified.response
        end as canonical_response
    from identified
    -- By nothing but the text: any other condition would have every row compared with every other.
    left join canonical_texts on identified.text_id = canonical_texts.text_id

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

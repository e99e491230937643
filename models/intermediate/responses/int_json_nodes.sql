-- The values in the JSON texts that rules of a problem may make equal to other texts, each with its container and with
-- its place in it, unless the rules ignore the order of the container.
--
-- Texts are split into tokens, one row each. Texts that are not valid JSON, or are nested too deeply, have no rows here
-- and are compared as text.

{%- set by_text = ['"$set"', '"$frozenset"'] %}
{%- set sequences = ['"$iterator"', '"$iterator_prefix"'] %}
{%- set rules = ['is_by_key', 'significant_digits', 'unordered_arrays'] %}

with

rules as (

    select * from {{ ref('refresh_response_rules') }}
    where is_json

),

observations as (

    select
        data_set_id,
        problem_id,
        {{ obslake.response_text('output', 'response_kind') }} as response
    from {{ obslake.stale_rows(ref('stg_observations')) }}
    where response_kind = 'value'

),

responses as (

    select distinct
        observations.data_set_id,
        observations.problem_id,
        observations.response,
        rules.is_by_key,
        rules.significant_digits,
        rules.unordered_arrays
    from observations
    inner join rules
        on observations.data_set_id = rules.data_set_id and observations.problem_id = rules.problem_id
    where
        -- Tokens of the response protocol are not JSON.
        substr(observations.response, 1, 1) <> '$'
        -- A text without brackets, white space, points and exponents has only one form.
        and translate(observations.response, '[{.eE ' || chr(9) || chr(10) || chr(13), '') <> observations.response

),

identified as (

    select
        *,
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
        {{ rules | join(', ') }}
    from identified

),

tokenised as (

    select
        text_id,
        {{ rules | join(', ') }},
        {{ obslake.json_tokens('response') }} as tokens
    from texts

),

tokens as (

    {{ obslake.array_elements('tokenised', ['text_id'] + rules, 'tokens') | indent(4) }}

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

-- A token belongs to the container that was opened last at its depth. The number of a container is twice the position
-- of its bracket, plus one for an object.
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

-- An opening bracket is a member of the surrounding container, which the token before it belongs to.
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
        {{ rules | join(', ') }},
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

judged as (

    select
        *,
        min(case when is_right then 1 else 0 end) over (partition by text_id) = 1
        and sum(case when kind in ('{', '[') then 1 when kind in ('}', ']') then -1 else 0 end) over (
            partition by text_id
        ) = 0
        and max(depth) over (partition by text_id) <= {{ obslake.json_depth_limit() }} as is_readable
    from checked

),

member_tokens as (

    select
        text_id,
        {{ rules | join(', ') }},
        token,
        position,
        container,
        opened,
        level,
        kind,
        case when mod(container, 2) = 1 then member_key end as member_key,
        -- An object with one key that begins with a dollar sign is a tagged form.
        case when mod(container, 2) = 1 and n_tokens = 4 and substr(member_key, 1, 2) = '"$' then member_key end as tag
    from judged
    where
        is_readable
        and kind in ('{', '[', 'literal', 'string', 'number')
        and (mod(container, 2) = 0 or mod(place, 4) = 3)

),

-- Whether the order of the members of a container is ignored. The elements of a set are sorted by their texts, which
-- rounding may change. The pairs of a dictionary are treated like the keys of an object. In a pair, and in an array in
-- any other tagged form, such as a tuple, each place has a meaning.
containers as (

    select
        opening.text_id,
        opening.opened,
        case
            when opening.kind = '{' then opening.is_by_key
            when opening.tag in ({{ obslake.text_literals(by_text) }}) then true
            when opening.tag = '"$dict"' then opening.is_by_key
            when opening.tag not in ({{ obslake.text_literals(sequences) }}) then false
            when around.kind = '[' and around.tag = '"$dict"' then false
            when opening.unordered_arrays = 'all' then true
            when opening.unordered_arrays = 'outermost'
                then opening.level = case when opening.tag is null then 0 else 1 end
            else false
        end as is_unordered
    from member_tokens as opening
    left join member_tokens as around
        on opening.text_id = around.text_id and opening.container = around.opened
    where opening.opened is not null

),

floats as (

    select
        *,
        regexp_replace(replace(replace(split_part(lower(token), 'e', 1), '-', ''), '.', ''), '^0+', '') as digits,
        length(split_part(split_part(lower(token), 'e', 1), '.', 2)) as n_decimals,
        replace(split_part(lower(token), 'e', 2), '+', '') as exponent,
        kind = 'number' and significant_digits is not null and (lower(token) like '%e%' or token like '%.%') as is_float
    from member_tokens

),

-- The digits of the text are rounded, half away from zero: floating-point numbers would overflow, and differ between
-- engines.
scaled as (

    select
        *,
        -- Numbers with longer exponents are not rounded.
        is_float and length(regexp_replace(replace(exponent, '-', ''), '^0+', '')) <= 9 as is_rounded,
        coalesce(try_cast(nullif(exponent, '') as bigint), 0) - n_decimals + length(digits) - 1 as scale,
        try_cast(substr(rpad(digits, 18, '0'), 1, significant_digits) as bigint)
        + case when substr(rpad(digits, 18, '0'), significant_digits + 1, 1) >= '5' then 1 else 0 end as head
    from floats

),

rounded as (

    select
        *,
        case
            when not is_rounded then token
            when digits = '' then '0.0e0'
            else concat(
                case when substr(token, 1, 1) = '-' then '-' else '' end,
                substr(cast(head as string), 1, 1),
                '.',
                coalesce(nullif(regexp_replace(substr(cast(head as string), 2), '0+$', ''), ''), '0'),
                'e',
                cast(scale + length(cast(head as string)) - significant_digits as string)
            )
        end as text
    from scaled

),

members as (

    select
        rounded.text_id,
        rounded.position,
        rounded.container,
        rounded.opened,
        rounded.level,
        coalesce(rounded.member_key || ':', '')
        || case when rounded.opened is not null then rounded.token else '' end as prefix,
        case when rounded.opened is null then rounded.text else '' end as body,
        case rounded.kind when '{' then '}' when '[' then ']' else '' end as suffix,
        -- Null if members are sorted by their text.
        case
            when mod(rounded.container, 2) = 0 and containers.is_unordered then null
            else
                case when containers.is_unordered then rounded.member_key else '' end
                || lpad(cast(rounded.position as string), 10, '0')
        end as place
    from rounded
    left join containers on rounded.text_id = containers.text_id and rounded.container = containers.opened

),

final as (

    select
        identified.data_set_id,
        identified.problem_id,
        md5(identified.response) as exact_hash,
        members.position,
        members.container,
        members.opened,
        members.level,
        members.prefix,
        members.body,
        members.suffix,
        members.place
    from identified
    inner join members on identified.text_id = members.text_id

)

select * from final

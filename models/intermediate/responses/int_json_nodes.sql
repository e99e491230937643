-- The values in the JSON texts that rules of a problem may make equal to other texts, as they are by these rules, each
-- with its container and with its place in it, unless the rules ignore the order of the container.
--
-- Texts are split into tokens, one row each. Texts that are not valid JSON, or are nested too deeply, have no rows here
-- and are compared as text.

{%- set by_text = ['"$set"', '"$frozenset"'] %}
{%- set sequences = ['"$iterator"', '"$iterator_prefix"'] %}
{%- set blanks -%}
    case when piece in ({{ obslake.text_literals(['\\t', '\\n', '\\f', '\\r']) }}) then ' ' else piece end
{%- endset %}
{%- set literals = ['true', 'false', 'null', 'NaN', 'Infinity', '-Infinity'] %}
{%- set rules = [
    'is_by_key', 'is_by_spelling', 'significant_digits', 'unordered_arrays', 'is_by_python', 'is_by_sequence',
    'is_by_unicode', 'is_by_case', 'is_by_whitespace', 'masks', 'mask_expression',
] %}
{%- set steps = [] %}
{%- for rule in obslake.text_rules() %}
    {%- do steps.append(['is_by_' ~ rule, obslake.changed_text(rule, 'text_0')]) %}
{%- endfor %}
{%- do steps.extend(obslake.masked_text('text_0')) %}

with

rules as (

    select * from {{ ref('refresh_response_rules') }}
    where is_json

),

ruled_responses as (

    select * from {{ obslake.stale_rows(ref('int_ruled_responses')) }}
    where response_kind = 'value'

),

responses as (

    select
        ruled_responses.data_set_id,
        ruled_responses.problem_id,
        ruled_responses.test_pattern,
        ruled_responses.exact_hash,
        ruled_responses.text,
        rules.{{ rules | join(', rules.') }}
    from ruled_responses
    inner join rules
        on
            ruled_responses.data_set_id = rules.data_set_id
            and ruled_responses.problem_id = rules.problem_id
            and ruled_responses.test_pattern = rules.test_pattern
    where
        -- Tokens of the response protocol are not JSON.
        substr(ruled_responses.text, 1, 1) <> '$'
        and (
            rules.is_by_spelling
            or rules.is_by_unicode
            or rules.is_by_case
            or rules.is_by_whitespace
            -- By other rules a text without brackets, white space, points and exponents has only one form.
            or translate(ruled_responses.text, '[{.eE ' || chr(9) || chr(10) || chr(13), '') <> ruled_responses.text
        )

),

identified as (

    select
        *,
        md5(concat_ws(
            ':',
            coalesce(cast({{ rules | join(" as string), ''), coalesce(cast(") }} as string), ''),
            text
        )) as text_id
    from responses

),

-- Many problems have the same responses, and the same rules.
texts as (

    select distinct
        text_id,
        text,
        {{ rules | join(', ') }}
    from identified

),

tokenised as (

    select
        text_id,
        {{ rules | join(', ') }},
        {{ obslake.json_tokens('text') }} as tokens
    from texts

),

tokens as (

    {{ obslake.array_elements('tokenised', ['text_id'] + rules, 'tokens') | indent(4) }}

),

decoded as (

    select
        *,
        case when substr(token, 1, 1) = '"' then {{ obslake.decoded_string('token') }} else token end as decoded
    from tokens

),

-- Escapes may mean characters that rules ignore. Escapes of white space are white space.
changed_0 as (

    select
        *,
        case
            when substr(token, 1, 1) <> '"' or length(token) = 1 then null
            when is_by_whitespace
                then {{ obslake.replaced_pieces(
                    'substr(decoded, 2, length(decoded) - 2)', '\\\\.|[^\\\\]+', blanks
                ) }}
            when instr(token, {{ obslake.text_literal('\\') }}) > 0 then substr(decoded, 2, length(decoded) - 2)
        end as text_0
    from decoded

),

{%- for condition, text in steps %}

    changed_{{ loop.index }} as (

        select
            *,
            case
                when {{ condition }} then {{ text | replace('text_0', 'text_' ~ loop.index0) }}
                else text_{{ loop.index0 }}
            end as text_{{ loop.index }}
        from changed_{{ loop.index0 }}

    ),
{%- endfor %}
{%- set last = steps | length %}

-- The keys of objects are changed like other strings.
changed as (

    select
        *,
        coalesce('"' || text_{{ last }} || '"', decoded) as changed
    from changed_{{ last }}

),

measured as (

    select
        *,
        sum(case when token in ('{', '[') then 1 when token in ('}', ']') then -1 else 0 end) over (
            partition by text_id
            order by position
            rows between unbounded preceding and current row
        ) as depth
    from changed

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
        decoded,
        changed,
        position,
        depth,
        container,
        case when token in ('{', '[') then own_container end as opened,
        case when token in ('{', '[') then level - 1 else level end as level,
        case
            when token in ('{', '}', '[', ']', ',', ':') then token
            when token in ({{ obslake.text_literals(literals) }}) then 'literal'
            -- As the rule `case` writes them.
            when lower(token) in ('nan', 'infinity', '-infinity')
                then case when is_by_case then 'literal' else 'fault' end
            when substr(token, 1, 1) = '"' and length(token) > 1 then 'string'
            when substr(token, 1, 1) between '0' and '9' or (substr(token, 1, 1) = '-' and length(token) > 1)
                then 'number'
            else 'fault'
        end as kind,
        -- In an array every second token is a member, in an object every fourth.
        row_number() over (partition by text_id, container order by position) as place,
        lag(changed, 2) over (partition by text_id, container order by position) as member_key,
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

tagged as (

    select
        *,
        kind in ('{', '[', 'literal', 'string', 'number')
        and (mod(container, 2) = 0 or mod(place, 4) = 3) as is_member,
        case when mod(container, 2) = 1 then member_key end as own_key,
        -- An object with one key that begins with a dollar sign is a tagged form.
        case when mod(container, 2) = 1 and n_tokens = 4 and substr(member_key, 1, 2) = '"$' then member_key end as tag
    from judged
    where is_readable

),

-- Where tuples equal lists, the array in the tagged form of a tuple takes the place of the form.
marked as (

    select
        *,
        case when is_by_sequence and kind = '[' and tag = '"$tuple"' then 1 else 0 end as is_tuple
    from tagged

),

-- Such a form is the four tokens `{`, `"$tuple"`, `:` and `[`, whose array ends right before its own end.
formed as (

    select
        *,
        coalesce(lead(is_tuple, 3) over (partition by text_id order by position), 0) as is_form,
        case
            when kind = '}'
                then coalesce(lag(is_tuple) over (partition by text_id, container order by position), 0)
            else 0
        end as is_end_of_form,
        lag(container, 3) over (partition by text_id order by position) as container_of_form,
        lag(own_key, 3) over (partition by text_id order by position) as key_of_form,
        lag(tag, 3) over (partition by text_id order by position) as tag_of_form
    from marked

),

levelled as (

    select
        *,
        level - sum(is_form - is_end_of_form) over (
            partition by text_id
            order by position
            rows between unbounded preceding and current row
        ) as level_without_forms
    from formed

),

nodes as (

    select
        text_id,
        {{ rules | join(', ') }},
        token,
        decoded,
        changed,
        position,
        case when is_tuple = 1 then container_of_form else container end as container,
        opened,
        level_without_forms as level,
        kind,
        case when is_tuple = 1 then key_of_form else own_key end as member_key,
        case when is_tuple = 1 then tag_of_form else tag end as tag
    from levelled
    where is_member and is_form = 0

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
    from nodes as opening
    left join nodes as around
        on opening.text_id = around.text_id and opening.container = around.opened
    where opening.opened is not null

),

-- A decimal number of Python is written like a number, without rounding.
numbers as (

    select
        *,
        kind = 'string' and is_by_python and tag = '"$decimal"' and {{ obslake.is_decimal('decoded') }} as is_decimal,
        kind = 'number'
        and (
            is_by_spelling
            or (significant_digits is not null and (lower(token) like '%e%' or token like '%.%'))
        ) as is_number
    from nodes

),

numbers_to_write as (

    select
        *,
        case when is_decimal then substr(decoded, 2, length(decoded) - 2) when is_number then token end as number,
        case when is_number then significant_digits end as n_digits
    from numbers

),

written_numbers as (

    {{ obslake.canonical_numbers('numbers_to_write', 'is_by_spelling') | indent(4) }}

),

bodies as (

    select
        *,
        case
            when is_number then written
            when is_decimal then '"' || written || '"'
            when kind = 'string' and tag in ('"$bytes"', '"$bytearray"') then decoded
            when kind = 'string' then changed
            when is_by_python and token = 'true' then '1'
            when is_by_python and token = 'false' then '0'
            else token
        end as body
    from written_numbers

),

members as (

    select
        bodies.text_id,
        bodies.position,
        bodies.container,
        bodies.opened,
        bodies.level,
        coalesce(
            case
                when bodies.is_by_python and bodies.tag = '"$frozenset"' then '"$set"'
                when bodies.is_by_python and bodies.tag = '"$bytearray"' then '"$bytes"'
                else bodies.member_key
            end || ':',
            ''
        )
        || case when bodies.opened is not null then bodies.token else '' end as prefix,
        case when bodies.opened is null then bodies.body else '' end as body,
        case bodies.kind when '{' then '}' when '[' then ']' else '' end as suffix,
        -- Null if members are sorted by their text.
        case
            when mod(bodies.container, 2) = 0 and containers.is_unordered then null
            else
                case when containers.is_unordered then bodies.member_key else '' end
                || lpad(cast(bodies.position as string), 10, '0')
        end as place
    from bodies
    left join containers on bodies.text_id = containers.text_id and bodies.container = containers.opened

),

final as (

    select
        identified.data_set_id,
        identified.problem_id,
        identified.test_pattern,
        identified.exact_hash,
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

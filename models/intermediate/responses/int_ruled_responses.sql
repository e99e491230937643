-- The distinct responses of a problem with rules, as the rules change their texts before they are read as JSON:
-- `exception_class`, `mask`, `unicode`, `case`, `whitespace`, and `mask` again. Responses of tests with rules of their
-- own are separate.

{%- set keys = 'data_set_id, problem_id, test_pattern, response_kind, exact_hash' %}
{%- set rules = ['masks', 'mask_expression', 'is_by_unicode', 'is_by_case', 'is_by_whitespace'] %}
{%- set steps = obslake.masked_text('text') %}
{%- for rule in obslake.text_rules() %}
    {%- do steps.append(['is_by_' ~ rule, obslake.changed_text(rule, 'text')]) %}
{%- endfor %}
{#- What the rules for texts made of the text may be masked, too. -#}
{%- for condition, text in obslake.masked_text('text') %}
    {%- do steps.append(['(is_by_unicode or is_by_case or is_by_whitespace) and ' ~ condition, text]) %}
{%- endfor %}

with

rules as (

    select
        *,
        masks is not null
        or mask_expression is not null
        or is_by_unicode
        or is_by_case
        or is_by_whitespace
        or is_rounded_in_text as is_by_text
    from {{ ref('refresh_response_rules') }}

),

problems as (

    select distinct
        data_set_id,
        problem_id
    from rules

),

observed as (

    select
        data_set_id,
        problem_id,
        test_id,
        response_kind,
        {{ obslake.response_text('output', 'response_kind') }} as response
    from {{ obslake.stale_rows(ref('stg_observations')) }}
    where response_kind in ('value', 'exception')

),

renamed_tests as (

    select * from {{ ref('refresh_renamed_tests') }}

),

test_rules as (

    select * from {{ obslake.stale_rows(ref('int_test_rules')) }}

),

observations as (

    select
        observed.data_set_id,
        observed.problem_id,
        observed.response_kind,
        observed.response,
        coalesce(test_rules.test_pattern, '') as test_pattern
    from observed
    inner join problems
        on observed.data_set_id = problems.data_set_id and observed.problem_id = problems.problem_id
    left join renamed_tests
        on
            observed.data_set_id = renamed_tests.data_set_id
            and observed.problem_id = renamed_tests.problem_id
            and observed.test_id = renamed_tests.from_test_id
    left join test_rules
        on
            observed.data_set_id = test_rules.data_set_id
            and observed.problem_id = test_rules.problem_id
            and coalesce(renamed_tests.to_test_id, observed.test_id) = test_rules.test_id

),

-- The class of an exception is not changed; by `exception_class` there is nothing else.
responses as (

    select distinct
        observations.data_set_id,
        observations.problem_id,
        observations.test_pattern,
        observations.response_kind,
        md5(observations.response) as exact_hash,
        rules.{{ rules | join(', rules.') }},
        case
            when substr(observations.response, 1, 11) = '$EXCEPTION@' and observations.response_kind = 'exception'
                then
                    substr(
                        observations.response,
                        1,
                        length(split_part(observations.response, '@', 2))
                        + case when rules.is_by_exception_class then 11 else 12 end
                    )
            else ''
        end as prefix,
        case
            when substr(observations.response, 1, 11) = '$EXCEPTION@' and observations.response_kind = 'exception'
                then
                    case
                        when rules.is_by_exception_class then ''
                        else substr(observations.response, 13 + length(split_part(observations.response, '@', 2)))
                    end
            else observations.response
        end as text
    from observations
    inner join rules
        on
            observations.data_set_id = rules.data_set_id
            and observations.problem_id = rules.problem_id
            and observations.test_pattern = rules.test_pattern
    where
        case
            when observations.response_kind = 'exception' then rules.is_by_exception_class or rules.is_by_text
            -- The hash of a text that was too large is not text of the response.
            else (rules.is_json or rules.is_by_text) and observations.response not like '$TRUNCATED@%'
        end

),

{%- for condition, text in steps %}

    step_{{ loop.index }} as (

        select
            {{ keys }},
            {{ rules | join(', ') }},
            prefix,
            case when {{ condition }} then {{ text }} else text end as text
        from {{ 'responses' if loop.first else 'step_' ~ (loop.index - 1) }}

    ),
{%- endfor %}

final as (

    select
        {{ keys }},
        prefix,
        text
    from step_{{ steps | length }}

)

select * from final

-- How the tests of an implementation failed in each run: the number of tests with each failure, over which broken runs
-- are recognised.
--
-- It reads observations, not int_responses, because hashes are not needed. Nearly all tests ran once, and their first
-- step that failed is found without putting their rows in order.

{{ config(meta={'unit': 'column'}) }}

{%- set run = ['data_set_id', 'problem_id', 'implementation_id', 'environment_id', 'run_id'] %}
{%- set response = obslake.response_text('observations.output', 'observations.response_kind') %}
{#- Not a common table expression: it is used twice, and all rows would be stored, though few are needed again. -#}
{%- set responses -%}
    (
        select
            observations.{{ run | join(',\n            observations.') }},
            coalesce(renamed_tests.to_test_id, observations.test_id) as test_id,
            observations.step_id,
            observations.attempt,
            observations.output,
            observations.response_kind,
            observations.observed_at,
            {{ obslake.is_executed('observations.response_kind') }} as is_executed,
            case
                when {{ obslake.is_executed('observations.response_kind') }}
                    then {{ obslake.failure(response, 'observations.response_kind') | indent(20) }}
            end as failure
        from {{ obslake.stale_rows(ref('stg_observations')) }} as observations
        left join renamed_tests
            on
                observations.data_set_id = renamed_tests.data_set_id
                and observations.problem_id = renamed_tests.problem_id
                and observations.test_id = renamed_tests.from_test_id
        where observations.implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}
    ) as responses
{%- endset %}

with

renamed_tests as (

    select * from {{ ref('refresh_renamed_tests') }}

),

tests as (

    select
        {{ run | join(',\n        ') }},
        test_id,
        coalesce(
            min_by(case when failure <> '' then failure end, case when failure <> '' then step_id end), min(failure)
        ) as failure,
        min(failure) <> max(failure)
        and (
            min(attempt) < max(attempt)
            -- Some step has several rows: there are more of them than different steps, each of which is a bit.
            or max(step_id) > 62
            or bit_count(bit_or(cast(power(2, least(step_id, 62)) as bigint))) < count(*)
        ) as is_repeated,
        min(case when is_executed then observed_at end) as first_executed_at
    from {{ responses }}
    group by {{ run | join(', ') }}, test_id

),

repeated_tests as (

    select * from tests
    where is_repeated

),

repeated_responses as (

    select
        responses.*,
        {{ obslake.response_text('responses.output', 'responses.response_kind') }} as response,
        repeated_tests.first_executed_at
    from {{ responses }}
    inner join repeated_tests
        on {{ obslake.equal_columns('responses', 'repeated_tests', run + ['test_id']) | indent(12) }}
    where responses.is_executed

),

-- If several rows have the same key, the one in the cube counts.
ranked as (

    select
        *,
        max(attempt) over (partition by {{ run | join(', ') }}, test_id) as last_attempt,
        row_number() over (
            partition by {{ run | join(', ') }}, test_id, step_id, attempt
            order by observed_at desc, response desc, response_kind desc
        ) as precedence
    from repeated_responses

),

-- A test fails like the first of its steps that fails, in its last attempt.
judged as (

    select
        {{ run | join(',\n        ') }},
        test_id,
        coalesce(
            substr(min(case when failure <> '' then lpad(cast(step_id as string), 10, '0') || failure end), 11), ''
        ) as failure,
        min(first_executed_at) as first_executed_at
    from ranked
    where precedence = 1 and attempt = last_attempt
    group by {{ run | join(', ') }}, test_id

),

failures as (

    select {{ run | join(', ') }}, failure, first_executed_at
    from tests
    where not coalesce(is_repeated, false)
    union all
    select {{ run | join(', ') }}, failure, first_executed_at
    from judged

),

-- A run that executed nothing has a row, too, because it can be set aside.
final as (

    select
        {{ run | join(',\n        ') }},
        coalesce(failure, '') as failure,
        count(failure) as n_tests,
        min(first_executed_at) as first_executed_at
    from failures
    group by {{ run | join(', ') }}, coalesce(failure, '')

)

select * from final

-- Stimuli that the same implementation answered differently in the same environment, in different runs or attempts.
--
-- An edited test is another stimulus: the contents of the test decide, else the inputs, which may have been recorded
-- after the call changed them. Few stimuli have different responses, and only the contents of their tests are computed.

{{ config(meta={'unit': 'column'}) }}

{%- set cell = ['data_set_id', 'problem_id', 'implementation_id', 'environment_id', 'test_id'] %}
{%- set stimulus = cell + ['step_id', 'content_id'] %}
{#- Not a common table expression: it is used more than once, and all rows would be stored, though few are needed. -#}
{%- set actuations -%}
    (
        select * from {{ obslake.stale_rows(ref('int_actuations'), has_number=true) | indent(8) }}
        where is_executed and not is_oracle and not is_set_aside
    ) as actuations
{%- endset %}

with

suspects as (

    select
        {{ (cell + ['step_id']) | join(',\n        ') }}
    from {{ actuations }}
    where is_repeated
    group by {{ (cell + ['step_id']) | join(', ') }}
    having min(response_hash) <> max(response_hash)

),

suspect_tests as (

    select distinct {{ cell | join(', ') }}
    from suspects

),

-- Everything that was executed before counts, even if it was always answered alike.
with_inputs as (

    select actuations.*
    from {{ actuations }}
    inner join suspect_tests
        on {{ obslake.equal_columns('actuations', 'suspect_tests', cell) | indent(12) }}
    where actuations.inputs is not null

),

with_contents as (

    {{ obslake.with_contents('with_inputs', cell + ['run_id', 'attempt']) | indent(4) }}

),

{%- set columns = cell + ['step_id', 'run_id', 'response', 'response_hash', 'observed_at'] %}

executions as (

    select
        {{ columns | join(',\n        ') }},
        coalesce({{ obslake.content_of_test() }}, content_hash) as content_hash,
        coalesce({{ obslake.content_of_test() }}, content_hash) as content_id
    from with_contents
    union all
    select
        {{ columns | join(',\n        ') }},
        {{ obslake.content_of_test() }} as content_hash,
        coalesce({{ obslake.content_of_test() }}, '') as content_id
    from {{ actuations }}
    where inputs is null and is_repeated

),

unstable as (

    select
        {% for column in stimulus -%}
            executions.{{ column }},
        {% endfor -%}
        min(executions.content_hash) as content_hash,
        count(*) as n_executions,
        count(distinct executions.run_id) as n_runs,
        count(distinct executions.response_hash) as n_distinct_responses,
        min(executions.observed_at) as first_observed_at,
        max(executions.observed_at) as last_observed_at
    from executions
    inner join suspects
        on {{ obslake.equal_columns('executions', 'suspects', cell + ['step_id']) | indent(12) }}
    group by executions.{{ stimulus | join(',\n        executions.') }}
    having min(executions.response_hash) <> max(executions.response_hash)

),

responses as (

    select
        {% for column in stimulus -%}
            executions.{{ column }},
        {% endfor -%}
        executions.response_hash,
        min(executions.response) as response,
        count(*) as n_times
    from executions
    inner join unstable
        on {{ obslake.equal_columns('executions', 'unstable', stimulus) | indent(12) }}
    group by
        {% for column in stimulus -%}
            executions.{{ column }},
        {% endfor -%}
        executions.response_hash

),

ranked as (

    select
        *,
        row_number() over (
            partition by {{ stimulus | join(', ') }}
            order by n_times desc, response_hash asc
        ) as response_rank
    from responses

),

final as (

    select
        unstable.data_set_id,
        unstable.problem_id,
        unstable.test_id,
        unstable.step_id,
        unstable.implementation_id,
        unstable.environment_id,
        unstable.content_hash,
        unstable.n_executions,
        unstable.n_runs,
        unstable.n_distinct_responses,
        frequent.response as most_frequent_response,
        frequent.n_times as n_most_frequent,
        other.response as other_response,
        unstable.first_observed_at,
        unstable.last_observed_at
    from unstable
    inner join ranked as frequent
        on
            {{ obslake.equal_columns('unstable', 'frequent', stimulus) | indent(12) }}
            and frequent.response_rank = 1
    inner join ranked as other
        on
            {{ obslake.equal_columns('unstable', 'other', stimulus) | indent(12) }}
            and other.response_rank = 2

)

select * from final

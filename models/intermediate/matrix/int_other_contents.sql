-- The cells of the matrices whose implementation was asked something else than is asked now: its test was edited in
-- between, at that step or before it, or no longer has the step. They do not vote on the stimulus.
--
-- Nearly all stimuli have one content. Only the tests of the others are compared.

{{ config(meta={
    'content_of': 'int_other_contents',
    'content': ['test_id', 'step_id', 'implementation_id']
}) }}

{%- set test = ['problem_no', 'data_set_id', 'problem_id', 'test_id'] %}
{%- set stimulus = test + ['step_id'] %}
{%- set of_test = (test + ['asked_at', 'test_content_hash']) | join(', ') %}
{%- set of_stimulus = (stimulus + ['asked_at', 'test_content_hash', 'inputs']) | join(', ') %}
{#- Not a common table expression: it is used twice, and all rows would be stored, though few are needed again. -#}
{%- set cells -%}
    (
        select * from {{ obslake.stale_rows(ref('int_actuations'), has_number=true) | indent(8) }}
        where is_cell and not is_oracle
    ) as cells
{%- endset %}

with

stimuli as (

    select
        {{ stimulus | join(',\n        ') }},
        min(test_content_hash) as least_hash,
        max(test_content_hash) as greatest_hash,
        count(test_content_hash) < count(*) and min(inputs) <> max(inputs) as has_other_inputs
    from {{ cells }}
    group by {{ stimulus | join(', ') }}

),

-- If all have the hash of the same test, their inputs may still differ: some are recorded after the call changed them.
edited_tests as (

    select {{ test | join(', ') }}
    from stimuli
    group by {{ test | join(', ') }}
    having
        min(least_hash) <> max(greatest_hash)
        or max(case when has_other_inputs then 1 else 0 end) = 1

),

-- A revision is as old as its date in the order of its lineage says.
revisions as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        max(revised_at) as revised_at
    from {{ obslake.stale_rows(ref('int_lineage_revisions')) }}
    group by data_set_id, problem_id, implementation_id

),

-- Without a revision, a test is as old as its latest execution.
dated_cells as (

    select
        cells.*,
        coalesce(
            revisions.revised_at,
            max(cells.observed_at) over (
                partition by cells.{{ test | join(', cells.') }}, cells.implementation_id
            )
        ) as asked_at
    from {{ cells }}
    inner join edited_tests
        on {{ obslake.equal_columns('cells', 'edited_tests', test) | indent(12) }}
    left join revisions
        on {{ obslake.equal_columns('cells', 'revisions', ['data_set_id', 'problem_id', 'implementation_id']) }}

),

counted as (

    select
        *,
        count(*) over (partition by {{ of_test }}) as n_of_test,
        max(observed_at) over (partition by {{ of_test }}) as of_test_observed_at,
        count(*) over (partition by {{ of_stimulus }}) as n_of_stimulus,
        max(observed_at) over (partition by {{ of_stimulus }}) as of_stimulus_observed_at
    from dated_cells

),

-- If several contents are equally new, such as those of runs of one revision, the one executed last is asked now, then
-- the one with most responses.
with_current_tests as (

    select
        *,
        first_value(test_content_hash) over (
            partition by {{ test | join(', ') }}
            order by
                case when test_content_hash is null then 1 else 0 end,
                asked_at desc,
                of_test_observed_at desc,
                n_of_test desc,
                test_content_hash desc
        ) as current_test_hash
    from counted

),

-- What was not recorded tells nothing, and what is of another test does so only where nothing else is known.
ranked as (

    select
        *,
        row_number() over (
            partition by {{ stimulus | join(', ') }}
            order by
                case when test_content_hash is null and inputs is null then 1 else 0 end,
                case when test_content_hash <> current_test_hash then 1 else 0 end,
                asked_at desc,
                of_stimulus_observed_at desc,
                n_of_stimulus desc,
                test_content_hash desc nulls last,
                inputs desc nulls last
        ) as recency
    from with_current_tests

),

compared as (

    select
        ranked.*,
        case
            when not {{ obslake.is_same_stimulus('ranked', 'newest') | indent(16) }} then 1
            -- The current test does not have this step.
            when
                ranked.test_content_hash <> ranked.current_test_hash
                and newest.test_content_hash <> newest.current_test_hash
                then 1
            else 0
        end as is_different
    from ranked
    inner join ranked as newest
        on
            {{ obslake.equal_columns('ranked', 'newest', stimulus) | indent(12) }}
            and newest.recency = 1

),

-- The state of the objects under test depends on all steps before; those of the current test are known.
judged as (

    select
        *,
        is_different = 1
        or (
            max(is_different) over (
                partition by {{ test | join(', ') }}, implementation_id
                order by step_id
                rows between unbounded preceding and current row
            ) = 1
            and not coalesce(test_content_hash = current_test_hash, false)
        ) as is_other
    from compared

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        problem_no
    from judged
    where is_other

)

select * from final

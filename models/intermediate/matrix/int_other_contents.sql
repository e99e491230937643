-- The cells of the matrices whose implementation was asked something else than the newest one: its test was edited in
-- between, at that step or before it. Their responses are no votes on the current content of the stimulus.
--
-- Nearly all stimuli have one content. Only the tests of the others are compared.

{{ config(meta={
    'content_of': 'int_other_contents',
    'content': ['test_id', 'step_id', 'implementation_id']
}) }}

{%- set stimulus = ['problem_no', 'data_set_id', 'problem_id', 'test_id', 'step_id'] %}
{%- set implementation = ['data_set_id', 'problem_id', 'implementation_id'] %}

with

cells as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true) }}
    where not is_oracle

),

-- If all have the hash of the same test, their inputs may still differ: some are recorded after the call changed them.
edited_stimuli as (

    select {{ stimulus | join(', ') }}
    from cells
    group by {{ stimulus | join(', ') }}
    having
        min(test_content_hash) <> max(test_content_hash)
        or (count(test_content_hash) < count(*) and min(inputs) <> max(inputs))

),

edited_tests as (

    select distinct
        problem_no,
        data_set_id,
        problem_id,
        test_id
    from edited_stimuli

),

-- A revision is as old as its date in the order of its lineage says.
revisions as (

    select
        {{ implementation | join(',\n        ') }},
        max(revised_at) as revised_at
    from {{ obslake.stale_rows(ref('int_lineage_revisions')) }}
    group by {{ implementation | join(', ') }}

),

executions as (

    select
        {{ implementation | join(',\n        ') }},
        min(first_executed_at) as first_executed_at
    from {{ obslake.stale_rows(ref('int_run_signatures')) }}
    where n_steps > 0 and not is_set_aside
    group by {{ implementation | join(', ') }}

),

dated_cells as (

    select
        cells.*,
        coalesce(revisions.revised_at, executions.first_executed_at) as revised_at
    from cells
    inner join edited_tests
        on {{ obslake.equal_columns('cells', 'edited_tests', stimulus[:4]) | indent(12) }}
    inner join executions
        on {{ obslake.equal_columns('cells', 'executions', implementation) | indent(12) }}
    left join revisions
        on {{ obslake.equal_columns('cells', 'revisions', implementation) | indent(12) }}

),

counted as (

    select
        *,
        count(*) over (
            partition by {{ stimulus | join(', ') }}, revised_at, test_content_hash, inputs
        ) as n_equal
    from dated_cells

),

-- If several contents are equally new, the one that most implementations executed is the current one.
ranked as (

    select
        *,
        row_number() over (
            partition by {{ stimulus | join(', ') }}
            order by
                revised_at desc,
                n_equal desc,
                test_content_hash desc nulls last,
                inputs desc nulls last
        ) as recency
    from counted

),

compared as (

    select
        ranked.*,
        -- The state of the objects under test depends on all steps before.
        max(case when {{ obslake.is_same_stimulus('ranked', 'newest') | indent(8) }} then 0 else 1 end) over (
            partition by
                ranked.problem_no, ranked.data_set_id, ranked.problem_id, ranked.test_id, ranked.implementation_id
            order by ranked.step_id
            rows between unbounded preceding and current row
        ) = 1 as is_other
    from ranked
    inner join ranked as newest
        on
            {{ obslake.equal_columns('ranked', 'newest', stimulus) | indent(12) }}
            and newest.recency = 1

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        problem_no
    from compared
    where is_other

)

select * from final

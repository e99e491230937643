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

with

cells as (

    select * from {{ obslake.stale_rows(ref('int_actuations'), has_number=true) }}
    where is_cell and not is_oracle

),

-- If all have the hash of the same test, their inputs may still differ: some are recorded after the call changed them.
edited_tests as (

    select distinct {{ test | join(', ') }}
    from (
        select {{ stimulus | join(', ') }}
        from cells
        group by {{ stimulus | join(', ') }}
        having
            min(test_content_hash) <> max(test_content_hash)
            or (count(test_content_hash) < count(*) and min(inputs) <> max(inputs))
    ) as edited_stimuli

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
    from cells
    inner join edited_tests
        on {{ obslake.equal_columns('cells', 'edited_tests', test) | indent(12) }}
    left join revisions
        on {{ obslake.equal_columns('cells', 'revisions', ['data_set_id', 'problem_id', 'implementation_id']) }}

),

counted as (

    select
        *,
        count(*) over (partition by {{ test | join(', ') }}, asked_at, test_content_hash) as n_cells_of_test,
        count(*) over (
            partition by {{ stimulus | join(', ') }}, asked_at, test_content_hash, inputs
        ) as n_equal
    from dated_cells

),

-- If several contents are equally new, the one with most responses is asked now.
with_current_tests as (

    select
        *,
        first_value(test_content_hash) over (
            partition by {{ test | join(', ') }}
            order by
                case when test_content_hash is null then 1 else 0 end,
                asked_at desc,
                n_cells_of_test desc,
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
                n_equal desc,
                test_content_hash desc nulls last,
                inputs desc nulls last
        ) as recency
    from with_current_tests

),

compared as (

    select
        ranked.*,
        -- The state of the objects under test depends on all steps before.
        max(
            case
                when not {{ obslake.is_same_stimulus('ranked', 'newest') | indent(20) }} then 1
                -- The current test does not have this step.
                when
                    ranked.test_content_hash <> ranked.current_test_hash
                    and newest.test_content_hash <> newest.current_test_hash
                    then 1
                else 0
            end
        ) over (
            partition by ranked.{{ test | join(', ranked.') }}, ranked.implementation_id
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

-- The signature of each implementation's column of the matrix, and whether its responses let it vote.

{{ config(meta={'unit': 'column'}) }}

with

-- Kinds of responses that let implementations of a problem vote, by its rules.
eligible_kinds as (

    select
        data_set_id,
        problem_id,
        argument as response_kind
    from {{ obslake.stale_rows(ref('int_voting_rules'), whole=true) }}
    where rule = 'eligible_kind'

),

ruled_problems as (

    select distinct
        data_set_id,
        problem_id
    from eligible_kinds

),

run_columns as (

    select
        runs.*,
        count(*) over (partition by runs.data_set_id, runs.problem_id, runs.implementation_id) as n_contexts,
        ruled_problems.problem_id is not null as has_rules
    from {{ obslake.stale_rows(ref('int_run_signatures')) }} as runs
    left join ruled_problems
        on runs.data_set_id = ruled_problems.data_set_id and runs.problem_id = ruled_problems.problem_id
    where runs.n_steps > 0 and not runs.is_oracle and not runs.is_set_aside

),

-- With one run in one environment, the column consists of the responses of that run.
of_one_run as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        signature,
        n_steps as n_stimuli,
        n_exceptions,
        n_timeouts,
        n_crashes,
        n_verdicts,
        is_voter as is_eligible
    from run_columns
    where n_contexts = 1 and not has_rules

),

-- Other columns are counted in the cells of the matrix.
recounted as (

    select distinct
        data_set_id,
        problem_id,
        implementation_id,
        has_rules
    from run_columns
    where n_contexts > 1 or has_rules

),

cells as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true) }}

),

of_cells as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.implementation_id,
        {{ obslake.signature(obslake.actuation_text()) }} as signature,
        count(*) as n_stimuli,
        cast(sum(case when cells.response_kind = 'exception' then 1 else 0 end) as bigint) as n_exceptions,
        cast(sum(case when cells.response_kind = 'timeout' then 1 else 0 end) as bigint) as n_timeouts,
        cast(sum(case when cells.response_kind = 'crash' then 1 else 0 end) as bigint) as n_crashes,
        cast(sum(case when cells.response_kind = 'verdict' then 1 else 0 end) as bigint) as n_verdicts,
        max(case
            when recounted.has_rules then case when eligible_kinds.response_kind is null then 0 else 1 end
            when cells.response_kind in ({{ obslake.text_literals(var('obslake_eligible_kinds')) }}) then 1
            else 0
        end) = 1 as is_eligible
    from cells
    inner join recounted
        on
            cells.data_set_id = recounted.data_set_id
            and cells.problem_id = recounted.problem_id
            and cells.implementation_id = recounted.implementation_id
    left join eligible_kinds
        on
            cells.data_set_id = eligible_kinds.data_set_id
            and cells.problem_id = eligible_kinds.problem_id
            and cells.response_kind = eligible_kinds.response_kind
    group by cells.data_set_id, cells.problem_id, cells.implementation_id

),

final as (

    select * from of_one_run
    union all
    select * from of_cells

)

select * from final

-- The signature of each implementation's column of the matrix, and whether the implementation may vote.

{#- With one vote per code, whether one may vote depends on others. -#}
{{ config(
    meta={
        'unit': 'problem' if var('obslake_one_vote_per') == 'code' else 'column',
        'content_of': 'int_implementation_signatures',
        'content': [
            'implementation_id', 'signature', 'n_stimuli', 'n_exceptions', 'n_timeouts', 'n_crashes', 'n_verdicts',
            'is_voter'
        ]
    }
) }}

with

run_columns as (

    select
        *,
        count(*) over (partition by data_set_id, problem_id, implementation_id) as n_contexts
    from {{ obslake.stale_rows(ref('int_run_signatures')) }}
    where n_steps > 0 and not is_oracle and not is_set_aside

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
        is_voter
    from run_columns
    where n_contexts = 1

),

several_runs as (

    select distinct
        data_set_id,
        problem_id,
        implementation_id
    from run_columns
    where n_contexts > 1

),

cells as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true) }}

),

of_several_runs as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.implementation_id,
        {{ obslake.signature(obslake.actuation_hash()) }} as signature,
        count(*) as n_stimuli,
        cast(sum(case when cells.response_kind = 'exception' then 1 else 0 end) as bigint) as n_exceptions,
        cast(sum(case when cells.response_kind = 'timeout' then 1 else 0 end) as bigint) as n_timeouts,
        cast(sum(case when cells.response_kind = 'crash' then 1 else 0 end) as bigint) as n_crashes,
        cast(sum(case when cells.response_kind = 'verdict' then 1 else 0 end) as bigint) as n_verdicts,
        max(case
            when cells.response_kind in ({{ obslake.text_literals(var('obslake_eligible_kinds')) }}) then 1 else 0
        end) = 1 as is_voter
    from cells
    inner join several_runs
        on
            cells.data_set_id = several_runs.data_set_id
            and cells.problem_id = several_runs.problem_id
            and cells.implementation_id = several_runs.implementation_id
    group by cells.data_set_id, cells.problem_id, cells.implementation_id

),

matrix_columns as (

    select * from of_one_run
    union all
    select * from of_several_runs

),

{%- if obslake.checked_variable('obslake_one_vote_per') == 'code' %}

    other_contents as (

        select
            data_set_id,
            problem_id,
            implementation_id,
            count(*) as n_other_contents
        from {{ obslake.stale_rows(ref('int_other_contents'), has_number=true) }}
        group by data_set_id, problem_id, implementation_id

    ),

    -- One of the voters with identical code votes for all of them: the first with fewest responses to other contents.
    ranked as (

        select
            matrix_columns.*,
            implementations.content_hash,
            row_number() over (
                partition by
                    matrix_columns.data_set_id, matrix_columns.problem_id, matrix_columns.is_voter,
                    implementations.content_hash
                order by coalesce(other_contents.n_other_contents, 0), matrix_columns.implementation_id
            ) as precedence
        from matrix_columns
        left join {{ obslake.stale_rows(ref('int_implementations')) }} as implementations
            on
                matrix_columns.data_set_id = implementations.data_set_id
                and matrix_columns.problem_id = implementations.problem_id
                and matrix_columns.implementation_id = implementations.implementation_id
        left join other_contents
            on
                matrix_columns.data_set_id = other_contents.data_set_id
                and matrix_columns.problem_id = other_contents.problem_id
                and matrix_columns.implementation_id = other_contents.implementation_id

    ),

    final as (

        select
            data_set_id,
            problem_id,
            implementation_id,
            signature,
            n_stimuli,
            n_exceptions,
            n_timeouts,
            n_crashes,
            n_verdicts,
            is_voter and (content_hash is null or precedence = 1) as is_voter
        from ranked

    )
{%- else %}

    final as (

        select * from matrix_columns

    )
{%- endif %}

select * from final

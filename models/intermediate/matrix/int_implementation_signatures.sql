-- The signature of each implementation's column of the matrix, and whether the implementation may vote.

{{ config(
    meta={
        'content_of': 'int_implementation_signatures',
        'content': [
            'implementation_id', 'signature', 'n_stimuli', 'n_exceptions', 'n_timeouts', 'n_crashes', 'n_verdicts',
            'is_voter'
        ]
    }
) }}

with

matrix_columns as (

    select * from {{ obslake.stale_rows(ref('int_column_signatures')) }}

),

non_voters as (

    select * from {{ obslake.stale_rows(ref('int_non_voters')) }}

),

final as (

    select
        matrix_columns.data_set_id,
        matrix_columns.problem_id,
        matrix_columns.implementation_id,
        matrix_columns.signature,
        matrix_columns.n_stimuli,
        matrix_columns.n_exceptions,
        matrix_columns.n_timeouts,
        matrix_columns.n_crashes,
        matrix_columns.n_verdicts,
        matrix_columns.is_eligible and non_voters.implementation_id is null as is_voter
    from matrix_columns
    left join non_voters
        on
            matrix_columns.data_set_id = non_voters.data_set_id
            and matrix_columns.problem_id = non_voters.problem_id
            and matrix_columns.implementation_id = non_voters.implementation_id

)

select * from final

-- One row per implementation and problem: its column of the matrix, as a signature, and whether it may vote.

with

cells as (

    select * from {{ ref('int_matrix_cells') }}
    where not is_oracle

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        {{ obslake.signature('actuation_hash') }} as signature,
        count(*) as n_stimuli,
        cast(sum(case when response_kind = 'exception' then 1 else 0 end) as bigint) as n_exceptions,
        max(case when response_kind in ({{ obslake.quoted_list(var('obslake_eligible_kinds')) }}) then 1 else 0 end) = 1
            as is_voter
    from cells
    group by data_set_id, problem_id, implementation_id

)

select * from final

-- Who may vote is told by the matrix: an implementation with a cell of an eligible kind, and no other.

with

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

answers as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        count(*) as n_answers
    from matrix
    where response_kind in ({{ obslake.quoted_list(var('obslake_eligible_kinds')) }})
    group by data_set_id, problem_id, implementation_id

),

final as (

    select
        members.data_set_id,
        members.problem_id,
        members.implementation_id,
        members.is_voter,
        answers.n_answers
    from members
    left join answers
        on
            members.data_set_id = answers.data_set_id
            and members.problem_id = answers.problem_id
            and members.implementation_id = answers.implementation_id
    where members.is_voter is distinct from (answers.n_answers is not null)

)

select * from final

-- The voters are exactly the implementations with a cell of an eligible kind in the matrix or, if identical code has
-- one vote, the first of these for each code.

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
    where response_kind in ({{ obslake.text_literals(var('obslake_eligible_kinds')) }})
    group by data_set_id, problem_id, implementation_id

),

{% if obslake.checked_variable('obslake_one_vote_per') == 'code' %}
    voters as (

        select
            answers.data_set_id,
            answers.problem_id,
            min(answers.implementation_id) as implementation_id
        from answers
        left join {{ ref('implementations') }} as implementations
            on
                answers.data_set_id = implementations.data_set_id
                and answers.problem_id = implementations.problem_id
                and answers.implementation_id = implementations.implementation_id
        where answers.implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}
        group by
            answers.data_set_id,
            answers.problem_id,
            coalesce('code ' || implementations.content_hash, 'implementation ' || answers.implementation_id)

    ),
{% else %}
    voters as (

        select * from answers

    ),
{% endif %}
final as (

    select
        members.data_set_id,
        members.problem_id,
        members.implementation_id,
        members.is_voter
    from members
    left join voters
        on
            members.data_set_id = voters.data_set_id
            and members.problem_id = voters.problem_id
            and members.implementation_id = voters.implementation_id
    where members.is_voter is distinct from (voters.implementation_id is not null)

)

select * from final

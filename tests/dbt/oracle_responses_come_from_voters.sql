-- A voter gave the winning response to the same stimulus.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

eligible as (

    select
        data_set_id,
        problem_id,
        implementation_id
    from matrix
    where
        implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}
        and response_kind in ({{ obslake.text_literals(var('obslake_eligible_kinds')) }})
    group by data_set_id, problem_id, implementation_id

),

{% if obslake.checked_variable('obslake_one_vote_per') == 'code' %}
    -- Only one implementation of identical code votes.
    voters as (

        select eligible.*
        from eligible
        inner join {{ ref('behavior_cluster_members') }} as members
            on
                eligible.data_set_id = members.data_set_id
                and eligible.problem_id = members.problem_id
                and eligible.implementation_id = members.implementation_id
        where members.is_voter

    ),
{% else %}
    voters as (

        select * from eligible

    ),
{% endif %}

answers as (

    select
        matrix.data_set_id,
        matrix.problem_id,
        matrix.test_id,
        matrix.step_id,
        matrix.response
    from matrix
    inner join voters
        on
            matrix.data_set_id = voters.data_set_id
            and matrix.problem_id = voters.problem_id
            and matrix.implementation_id = voters.implementation_id
    where matrix.response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})

),

final as (

    select oracles.*
    from oracles
    left join answers
        on
            oracles.data_set_id = answers.data_set_id
            and oracles.problem_id = answers.problem_id
            and oracles.test_id = answers.test_id
            and oracles.step_id = answers.step_id
            and oracles.oracle_response = answers.response
    where oracles.oracle_response is not null and answers.response is null

)

select * from final

-- A stimulus has as many training examples as cells in the matrix, without the specified oracle, and as many of them
-- that agree with the consensus as the consensus has votes.

with

examples as (

    select * from {{ ref('training_examples') }}

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

ruled_votes as (

    select * from {{ ref('int_ruled_votes') }}

),

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

sides as (

    select
        examples.data_set_id,
        examples.problem_id,
        examples.test_id,
        examples.step_id,
        count(*) as n_examples,
        0 as n_cells,
        sum(case
            when
                examples.agrees_with_consensus
                and examples.is_voter
                and coalesce(
                    ruled_votes.is_vote,
                    examples.response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})
                )
                then 1
            else 0
        end) as n_agreeing,
        0 as n_votes
    from examples
    left join ruled_votes
        on
            examples.data_set_id = ruled_votes.data_set_id
            and examples.problem_id = ruled_votes.problem_id
            and examples.response_kind = ruled_votes.response_kind
            and examples.response = ruled_votes.response
    group by examples.data_set_id, examples.problem_id, examples.test_id, examples.step_id
    union all
    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        0 as n_examples,
        count(*) as n_cells,
        0 as n_agreeing,
        0 as n_votes
    from matrix
    where implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}
    group by data_set_id, problem_id, test_id, step_id
    union all
    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        0 as n_examples,
        0 as n_cells,
        0 as n_agreeing,
        n_votes
    from oracles
    where oracle_response is not null

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        sum(n_examples) as n_examples,
        sum(n_cells) as n_cells,
        sum(n_agreeing) as n_agreeing,
        sum(n_votes) as n_votes
    from sides
    group by data_set_id, problem_id, test_id, step_id
    having sum(n_examples) <> sum(n_cells) or sum(n_agreeing) <> sum(n_votes)

)

select * from final

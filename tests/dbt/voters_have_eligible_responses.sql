-- Only implementations with a cell of an eligible kind in the matrix vote. Each of these votes, unless a rule names it,
-- or another one with the same code, or of the same origin, votes for it.

with

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

rules as (

    select * from {{ ref('int_voting_rules') }}

),

kind_rules as (

    select * from rules
    where rule = 'eligible_kind'

),

ruled_problems as (

    select distinct
        data_set_id,
        problem_id
    from kind_rules

),

eligible as (

    select distinct
        matrix.data_set_id,
        matrix.problem_id,
        matrix.implementation_id
    from matrix
    left join ruled_problems
        on matrix.data_set_id = ruled_problems.data_set_id and matrix.problem_id = ruled_problems.problem_id
    left join kind_rules
        on
            matrix.data_set_id = kind_rules.data_set_id
            and matrix.problem_id = kind_rules.problem_id
            and matrix.response_kind = kind_rules.argument
    where
        kind_rules.argument is not null
        or (
            ruled_problems.problem_id is null
            and matrix.response_kind in ({{ obslake.text_literals(var('obslake_eligible_kinds')) }})
        )

),

-- Who has whose vote: that of the implementation, of its code, or of its origin.
owners as (

    select
        members.data_set_id,
        members.problem_id,
        members.implementation_id,
        members.is_voter,
        eligible.implementation_id is not null as is_eligible,
        coalesce(
            case coalesce(
                rules.argument, {{ obslake.text_literal(obslake.checked_variable('obslake_one_vote_per')) }}
            )
                when 'code' then 'code ' || implementations.content_hash
                when 'origin' then 'origin ' || implementations.origin
            end,
            'implementation ' || members.implementation_id
        ) as owner
    from members
    left join eligible
        on
            members.data_set_id = eligible.data_set_id
            and members.problem_id = eligible.problem_id
            and members.implementation_id = eligible.implementation_id
    left join rules
        on
            members.data_set_id = rules.data_set_id
            and members.problem_id = rules.problem_id
            and rules.rule = 'one_vote_per'
    left join {{ ref('implementations') }} as implementations
        on
            members.data_set_id = implementations.data_set_id
            and members.problem_id = implementations.problem_id
            and members.implementation_id = implementations.implementation_id

),

named as (

    select
        owners.data_set_id,
        owners.problem_id,
        owners.implementation_id,
        max(case when rules.rule = 'voting_implementation' then 1 else 0 end) = 0 as is_excluded
    from owners
    inner join rules
        on
            owners.data_set_id = rules.data_set_id
            and owners.problem_id = rules.problem_id
            and rules.rule in ('voting_implementation', 'abstaining_implementation')
            and owners.implementation_id like {{ obslake.like_pattern('rules.argument') }} escape '/'
    group by owners.data_set_id, owners.problem_id, owners.implementation_id

),

expected as (

    select
        owners.*,
        owners.is_eligible and not coalesce(named.is_excluded, false) as may_vote,
        sum(case when owners.is_voter then 1 else 0 end) over (
            partition by
                owners.data_set_id, owners.problem_id, owners.owner,
                owners.is_eligible and not coalesce(named.is_excluded, false)
        ) as n_voters_of_owner
    from owners
    left join named
        on
            owners.data_set_id = named.data_set_id
            and owners.problem_id = named.problem_id
            and owners.implementation_id = named.implementation_id

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        is_voter
    from expected
    where n_voters_of_owner <> case when may_vote then 1 else 0 end

)

select * from final

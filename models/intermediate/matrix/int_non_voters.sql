-- The implementations that do not vote although their responses would let them: a voting rule names them, or another
-- implementation with the same code, or of the same origin, votes for them.

with

matrix_columns as (

    select * from {{ obslake.stale_rows(ref('int_column_signatures')) }}
    where is_eligible

),

rules as (

    select
        *,
        {{ obslake.like_pattern('argument') }} as names
    from {{ obslake.stale_rows(ref('int_voting_rules')) }}
    where rule in ('voting_implementation', 'abstaining_implementation', 'one_vote_per')

),

named as (

    select
        matrix_columns.data_set_id,
        matrix_columns.problem_id,
        matrix_columns.implementation_id
    from matrix_columns
    inner join rules
        on
            matrix_columns.data_set_id = rules.data_set_id
            and matrix_columns.problem_id = rules.problem_id
            and rules.rule <> 'one_vote_per'
            and matrix_columns.implementation_id like rules.names escape '/'
    group by matrix_columns.data_set_id, matrix_columns.problem_id, matrix_columns.implementation_id
    having max(case when rules.rule = 'voting_implementation' then 1 else 0 end) = 0

),

candidates as (

    select
        matrix_columns.data_set_id,
        matrix_columns.problem_id,
        matrix_columns.implementation_id,
        coalesce(
            rules.argument, {{ obslake.text_literal(obslake.checked_variable('obslake_one_vote_per')) }}
        ) as one_vote_per
    from matrix_columns
    left join rules
        on
            matrix_columns.data_set_id = rules.data_set_id
            and matrix_columns.problem_id = rules.problem_id
            and rules.rule = 'one_vote_per'
    left join named
        on
            matrix_columns.data_set_id = named.data_set_id
            and matrix_columns.problem_id = named.problem_id
            and matrix_columns.implementation_id = named.implementation_id
    where named.implementation_id is null

),

sharing as (

    select
        candidates.data_set_id,
        candidates.problem_id,
        candidates.implementation_id,
        case
            when candidates.one_vote_per = 'code' then implementations.content_hash
            else implementations.origin
        end as shared
    from candidates
    inner join {{ obslake.stale_rows(ref('int_implementations')) }} as implementations
        on
            candidates.data_set_id = implementations.data_set_id
            and candidates.problem_id = implementations.problem_id
            and candidates.implementation_id = implementations.implementation_id
    where candidates.one_vote_per <> 'implementation'

),

other_contents as (

    select
        stored.data_set_id,
        stored.problem_id,
        stored.implementation_id,
        count(*) as n_other_contents
    from {{ obslake.stale_rows(ref('int_other_contents'), has_number=true) }} as stored
    inner join sharing
        on
            stored.data_set_id = sharing.data_set_id
            and stored.problem_id = sharing.problem_id
            and stored.implementation_id = sharing.implementation_id
    group by stored.data_set_id, stored.problem_id, stored.implementation_id

),

-- One of those that share a vote votes for all of them: the first with fewest responses to other contents.
ranked as (

    select
        sharing.*,
        row_number() over (
            partition by sharing.data_set_id, sharing.problem_id, sharing.shared
            order by coalesce(other_contents.n_other_contents, 0), sharing.implementation_id
        ) as precedence
    from sharing
    left join other_contents
        on
            sharing.data_set_id = other_contents.data_set_id
            and sharing.problem_id = other_contents.problem_id
            and sharing.implementation_id = other_contents.implementation_id
    where sharing.shared is not null

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id
    from named
    union all
    select
        data_set_id,
        problem_id,
        implementation_id
    from ranked
    where precedence > 1

)

select * from final

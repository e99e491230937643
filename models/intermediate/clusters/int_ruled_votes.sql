-- The responses of which voting rules say whether they are votes. A rule for a response is more specific than one for
-- the class of an exception, and that than one for a kind; of equally specific rules, the one that lets it vote wins.

with

rules as (

    select
        data_set_id,
        problem_id,
        rule,
        argument,
        {{ obslake.like_pattern('argument') }} as names
    from {{ obslake.stale_rows(ref('int_voting_rules')) }}
    where
        rule in (
            'voting_kind', 'voting_exception', 'voting_response',
            'abstaining_kind', 'abstaining_exception', 'abstaining_response'
        )

),

problems as (

    select distinct
        data_set_id,
        problem_id
    from rules

),

responses as (

    select distinct
        cells.data_set_id,
        cells.problem_id,
        cells.response_kind,
        cells.response
    from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true) }} as cells
    inner join problems
        on cells.data_set_id = problems.data_set_id and cells.problem_id = problems.problem_id
    where not cells.is_oracle

),

-- Even ranks vote.
ranked as (

    select
        responses.data_set_id,
        responses.problem_id,
        responses.response_kind,
        responses.response,
        max(case
            when rules.rule like '%kind' and responses.response_kind <> rules.argument then 0
            when rules.rule like '%exception' and (
                responses.response_kind <> 'exception'
                or split_part(responses.response, '@', 2) not like rules.names escape '/'
            ) then 0
            when rules.rule like '%response' and responses.response not like rules.names escape '/' then 0
            when rules.rule = 'abstaining_kind' then 1
            when rules.rule = 'voting_kind' then 2
            when rules.rule = 'abstaining_exception' then 3
            when rules.rule = 'voting_exception' then 4
            when rules.rule = 'abstaining_response' then 5
            else 6
        end) as rank_of_rule
    from responses
    inner join rules
        on responses.data_set_id = rules.data_set_id and responses.problem_id = rules.problem_id
    group by responses.data_set_id, responses.problem_id, responses.response_kind, responses.response

),

final as (

    select
        data_set_id,
        problem_id,
        response_kind,
        response,
        rank_of_rule % 2 = 0 as is_vote
    from ranked
    where rank_of_rule > 0

)

select * from final
